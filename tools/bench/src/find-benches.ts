import { glob } from 'node:fs/promises'

/** Every benchmark of the workspace, as paths relative to `root`, in a stable order. */
export async function findBenches(root: string): Promise<string[]> {
  const files: string[] = []
  for await (const file of glob(['packages/*/bench/*.bench.ts', 'apps/*/bench/*.bench.ts', 'tools/*/bench/*.bench.ts'], { cwd: root })) {
    files.push(file)
  }
  return files.sort()
}
