import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

const HERE = import.meta.dirname

/** The folder of real public files, where there is one: `TEST_DATA_DIR`, or beside the checkout. */
const DATA = process.env.TEST_DATA_DIR ?? resolve(HERE, '../../../../../shared/data')

/** A folder of real files, and whether a test must skip for want of it. */
export function realData(folder: string): { readonly path: string; readonly absent: boolean; readonly why: string } {
  const path = resolve(DATA, folder)
  const absent = !existsSync(path)
  return { path, absent, why: absent ? ` [SKIPPED: no ${folder}; set TEST_DATA_DIR to the folder that holds it]` : '' }
}
