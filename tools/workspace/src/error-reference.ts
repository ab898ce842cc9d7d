import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** One failure that a caller can act on, as its class declares it. */
export interface DeclaredError {
  readonly code: string
  readonly className: string
  readonly file: string
  /** The class's docstring as one line. */
  readonly meaning: string
}

const ERROR_CLASS =
  /(?:\/\*\*(?<doc>(?:(?!\*\/)[\s\S])*)\*\/\n)?export (?:abstract )?class (?<name>\w+) extends \w+(?:<[^>]*>)? \{(?:(?!\nexport |\n\}\n)[\s\S])*?readonly code(?:: [^=]+)? = '(?<code>[A-Z][A-Z0-9_]+)'/g

/** Every error class with a stable code in the sources below `root`, by code. */
export async function findDeclaredErrors(root: string): Promise<DeclaredError[]> {
  const errors: DeclaredError[] = []
  for await (const file of glob(['packages/*/src/**/*.ts', 'apps/*/src/**/*.ts'], {
    cwd: root,
    exclude: (name) => name.includes('generated'),
  })) {
    if (file.endsWith('.test.ts')) continue
    const source = await readFile(join(root, file), 'utf8')
    for (const { groups } of source.matchAll(ERROR_CLASS)) {
      if (groups === undefined) continue
      const { code = '', name = '', doc = '' } = groups
      errors.push({ code, className: name, file, meaning: oneLine(doc) })
    }
  }
  return errors.sort((a, b) => (a.code < b.code ? -1 : 1))
}

function oneLine(doc: string): string {
  return doc
    .replace(/^\s*\* ?/gm, ' ')
    .replace(/\s+/g, ' ')
    .trim()
}

/** `docs/errors.md` as it should be. */
export function errorReference(errors: readonly DeclaredError[]): string {
  const rows = errors.map(({ code, className, file, meaning }) => {
    const owner = file.split('/')[1] ?? ''
    return `| \`${code}\` | ${owner} | \`${className}\` | ${meaning.replaceAll('|', '\\|')} |`
  })
  return `# Errors

Every error that a package throws on purpose has a stable \`code\`: branch on it, never on the message. The original failure is its \`cause\`, facts to act on are in \`facts\`. Made from the sources by \`npm run docs\`; a test keeps it complete.

| code | package | class | meaning, and what to do |
| --- | --- | --- | --- |
${rows.join('\n')}
`
}
