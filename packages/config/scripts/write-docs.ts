import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { renderEnvExample, renderReference } from '../src/report/render-reference.ts'

/** Writes the pages that are made of the table of variables. */
const ROOT = join(import.meta.dirname, '../../..')

writeFileSync(join(ROOT, 'docs/configuration.md'), renderReference())
writeFileSync(join(ROOT, '.env.example'), renderEnvExample())
