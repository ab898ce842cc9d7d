import { execFile } from 'node:child_process'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** What an example in a README says that it prints, and what it printed. */
export interface ReadmeExample {
  /** The texts behind `// ` on the lines that call `console.log`. */
  readonly promised: readonly string[]
  readonly printed: readonly string[]
}

/**
 * Runs the first TypeScript example of the folder's README the way a reader would: as a file of its own, in a process
 * of its own, importing the package by its name. Rejects if there is none or if it exits with an error.
 */
export async function runReadmeExample(folder: string): Promise<ReadmeExample> {
  const readme = await readFile(join(folder, 'README.md'), 'utf8')
  const code = /^```ts\n(?<code>[\s\S]*?)^```$/m.exec(readme)?.groups?.code
  if (code === undefined) throw new Error(`${folder}/README.md has no example in TypeScript`)
  const scratch = join(folder, 'test-output', 'readme')
  await mkdir(scratch, { recursive: true })
  const file = join(scratch, 'example.ts')
  await writeFile(file, code)
  try {
    // A runner that asks for colours would get them into the text.
    const options = { timeout: 60_000, env: { ...process.env, FORCE_COLOR: '0' } }
    const { stdout } = await promisify(execFile)(process.execPath, ['--conditions=@cidadao/source', file], options)
    return { promised: promisedOutput(code), printed: stdout.trimEnd().split('\n') }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

function promisedOutput(code: string): string[] {
  return code.split('\n').flatMap((line) => /console\.log\(.*\/\/ (?<text>.*)$/.exec(line)?.groups?.text ?? [])
}
