import { glob, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import ts from 'typescript'

/** One event that a package tells its listeners of. */
export interface DeclaredEvent {
  /** The interface that maps names to payloads: `DatabaseEvents`. */
  readonly source: string
  readonly file: string
  readonly name: string
  /** The payload's type as written, on one line. */
  readonly payload: string
  /** The member's docstring as one line. */
  readonly meaning: string
}

/** Every member of every exported `…Events` interface in the sources below `root`, by package and interface. */
export async function findDeclaredEvents(root: string): Promise<DeclaredEvent[]> {
  const events: DeclaredEvent[] = []
  for await (const file of glob(['packages/*/src/**/*.ts', 'apps/*/src/**/*.ts'], {
    cwd: root,
    exclude: (name) => name.includes('generated'),
  })) {
    if (file.endsWith('.test.ts')) continue
    events.push(...eventsOf(file, await readFile(join(root, file), 'utf8')))
  }
  return events.sort((a, b) => compare(`${a.file} ${a.source}`, `${b.file} ${b.source}`))
}

function eventsOf(file: string, text: string): DeclaredEvent[] {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  return source.statements
    .filter(ts.isInterfaceDeclaration)
    .filter((declaration) => isExported(declaration) && declaration.name.text.endsWith('Events'))
    .flatMap((declaration) =>
      declaration.members.filter(ts.isPropertySignature).map((member) => ({
        source: declaration.name.text,
        file,
        name: ts.isStringLiteral(member.name) ? member.name.text : member.name.getText(),
        payload: payloadOf(member.type),
        meaning: oneLine(ts.getTextOfJSDocComment(ts.getJSDocCommentsAndTags(member)[0]?.comment) ?? ''),
      })),
    )
}

/** Members of a payload without modifiers and docstrings; the name of a type that has one. */
function payloadOf(type: ts.TypeNode | undefined): string {
  if (type === undefined) return ''
  if (!ts.isTypeLiteralNode(type)) return oneLine(type.getText())
  const members = type.members
    .filter(ts.isPropertySignature)
    .map(
      ({ name, questionToken, type: of }) => `${name.getText()}${questionToken === undefined ? '' : '?'}: ${oneLine(of?.getText() ?? '')}`,
    )
  return members.join('; ')
}

function isExported(declaration: ts.InterfaceDeclaration): boolean {
  return declaration.modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword) ?? false
}

/** `docs/events.md` as it should be. */
export function eventReference(events: readonly DeclaredEvent[]): string {
  const sections = Map.groupBy(events, ({ file, source }) => `${file.split('/')[1] ?? ''}: \`${source}\``)
  const pages = Array.from(sections, ([title, members]) => {
    const rows = members.map(({ name, payload, meaning }) => `| \`${name}\` | \`${cell(payload)}\` | ${cell(meaning)} |`)
    return `## ${title}\n\n| event | payload | when |\n| --- | --- | --- |\n${rows.join('\n')}\n`
  })
  return `# Events

What each part tells whoever listens with \`on(name, listener)\`. Made from the sources by \`npm run docs\`; a test keeps it complete.

${pages.join('\n')}`
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim()
}

function compare(one: string, other: string): number {
  return one < other ? -1 : Number(one > other)
}
