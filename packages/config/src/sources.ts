import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { hasCode, toError } from '@cidadao/contracts'
import type { ConfigProblem } from './errors.ts'
import type { Setting } from './setting.ts'

export type Environment = Readonly<Record<string, string | undefined>>

export interface SourceOptions {
  readonly env?: Environment | undefined
  readonly envFiles?: readonly string[] | undefined
  readonly overrides?: Environment | undefined
  readonly cwd: string
}

export interface Sources {
  /** All that was set, by variable; for each the strongest source. */
  readonly settings: Map<string, Setting>
  readonly problems: readonly ConfigProblem[]
}

const DEFAULT_ENV_FILE = '.env'

/** Reads, the weaker first: `.env` files in their order, the environment, overrides. */
export function readSources(options: SourceOptions): Sources {
  const settings = new Map<string, Setting>()
  const problems: ConfigProblem[] = []
  for (const file of options.envFiles ?? [DEFAULT_ENV_FILE]) {
    const result = readEnvFile(resolve(options.cwd, file), options.envFiles === undefined)
    if (typeof result === 'string')
      problems.push({ variable: file, rule: `must be a readable file: ${result}`, received: null, source: file })
    else add(settings, result, (text) => ({ text, origin: { kind: 'env-file', detail: file } }))
  }
  // eslint-disable-next-line no-restricted-syntax -- the one place of the workspace that reads the environment
  add(settings, options.env ?? process.env, (text) => ({ text, origin: { kind: 'environment' } }))
  add(settings, options.overrides ?? {}, (text) => ({ text, origin: { kind: 'override' } }))
  return { settings, problems }
}

function add(settings: Map<string, Setting>, texts: Environment, toSetting: (text: string) => Setting): void {
  for (const [name, text] of Object.entries(texts)) {
    if (text !== undefined) settings.set(name, toSetting(text))
  }
}

/** The variables of the file, or why it cannot be read. */
function readEnvFile(path: string, mayBeMissing: boolean): Environment | string {
  const content = readText(path)
  if (content instanceof Error) return mayBeMissing && hasCode(content, 'ENOENT') ? {} : reasonOf(content)
  // Node's parser takes a byte order mark for a part of the first name.
  return parseEnv(content.replace(/^\uFEFF/, ''))
}

/** The file's text, or the failure. */
export function readText(path: string): string | Error {
  try {
    return readFileSync(path, 'utf8')
  } catch (thrown) {
    return toError(thrown)
  }
}

/** The operating system's code alone: its message repeats the path, which may be a misplaced secret. */
export function reasonOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
