import { resolve } from 'node:path'
import type { ConfigProblem } from './errors.ts'
import { showSecretPath } from './report/show-received.ts'
import { originText, type Setting } from './setting.ts'
import { readText, reasonOf } from './sources.ts'

export const FILE_SUFFIX = '_FILE'

export interface SecretFiles {
  /** What stood in files, by the variable without its suffix. */
  readonly settings: ReadonlyMap<string, Setting>
  /** Variables whose file gave nothing. */
  readonly unreadable: ReadonlySet<string>
  readonly problems: readonly ConfigProblem[]
}

/** Reads the files that `NAME_FILE` variables name, for those variables that may come from a file. */
export function readSecretFiles(settings: ReadonlyMap<string, Setting>, names: Iterable<string>, cwd: string): SecretFiles {
  const found = new Map<string, Setting>()
  const unreadable = new Set<string>()
  const problems: ConfigProblem[] = []
  for (const name of names) {
    const fileSetting = settings.get(`${name}${FILE_SUFFIX}`)
    if (fileSetting === undefined) continue
    const result = settings.has(name) ? `must not be set together with ${name}` : readSecretFile(fileSetting.text, cwd)
    if (typeof result !== 'string') {
      found.set(name, result)
      continue
    }
    unreadable.add(name)
    problems.push(toProblem(name, result, fileSetting))
  }
  return { settings: found, unreadable, problems }
}

/** The file's text without the line break at its end, or the rule that was broken. */
function readSecretFile(path: string, cwd: string): Setting | string {
  if (path === '') return 'must be the path of a file'
  const content = readText(resolve(cwd, path))
  if (content instanceof Error) return `must be the path of a readable file: ${reasonOf(content)}`
  const text = content.replace(/\r?\n$/, '')
  return text === '' ? 'must be the path of a file that is not empty' : { text, origin: { kind: 'secret-file', detail: path } }
}

function toProblem(name: string, rule: string, setting: Setting): ConfigProblem {
  return { variable: `${name}${FILE_SUFFIX}`, rule, received: showSecretPath(setting.text), source: originText(setting.origin) }
}
