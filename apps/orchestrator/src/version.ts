import { readFileSync } from 'node:fs'

interface Manifest {
  readonly version: string
}

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as Manifest

/** What runs, for `build_info` and `--version`. */
export const VERSION: { readonly version: string; readonly revision: string } = { version: manifest.version, revision: 'unknown' }
