import { execFile } from 'node:child_process'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { PostgresServer } from '../src/index.ts'
import { tempFolder } from './temp-folder.ts'

/** One data folder with a cluster in it, to be copied: initdb is most of what a test of a server takes. */
export interface PreparedFolder {
  /** A copy for one test. */
  copy(): Promise<string>
  remove(): Promise<void>
}

export async function prepareFolder(): Promise<PreparedFolder> {
  const root = await mkdtemp(join(tmpdir(), 'cidadao-pgtest-'))
  await chmod(root, 0o711)
  const original = join(root, 'data')
  // A throwaway server writes the same folder, but does not wait for the disk.
  const server = new PostgresServer({ mode: 'throwaway', dataDir: original })
  await server.start()
  await server.stop()
  return {
    copy: async () => {
      const folder = join(await tempFolder(), 'data')
      await promisify(execFile)('cp', ['-a', original, folder])
      return folder
    },
    remove: () => rm(root, { recursive: true, force: true }),
  }
}
