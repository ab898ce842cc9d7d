import ts from 'typescript'

/**
 * The titles of the tests that a file defines, as its source has them: the text of a template keeps its `${…}`. Tests
 * that are skipped unconditionally or only planned, alone or with their whole block, are not among them.
 */
export function testTitles(source: string): Set<string> {
  const titles = new Set<string>()
  const visit = (node: ts.Node): void => {
    const call = ts.isCallExpression(node) ? toTestCall(node) : undefined
    if (call?.skipped === true) return
    if (call?.kind === 'test' && call.title !== undefined) titles.add(call.title)
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('test.ts', source, ts.ScriptTarget.Latest, true))
  return titles
}

/** Quotes of one kind, so that a page may write them as it likes. */
export function normaliseQuotes(text: string): string {
  return text.replace(/[’‘`"“”]/g, "'")
}

interface TestCall {
  readonly kind: 'test' | 'block'
  readonly title: string | undefined
  readonly skipped: boolean
}

const KINDS: ReadonlyMap<string, TestCall['kind']> = new Map([
  ['it', 'test'],
  ['test', 'test'],
  ['describe', 'block'],
])

/** Understands `it(…)`, `it.each(…)(…)`, `it.skipIf(…).each(…)(…)` and the like. */
function toTestCall(node: ts.CallExpression): TestCall | undefined {
  const names: string[] = []
  let callee: ts.Expression = node.expression
  while (!ts.isIdentifier(callee)) {
    if (ts.isPropertyAccessExpression(callee)) names.push(callee.name.text)
    else if (!ts.isCallExpression(callee)) return undefined
    callee = callee.expression
  }
  const kind = KINDS.get(callee.text)
  if (kind === undefined) return undefined
  return { kind, title: toTitle(node.arguments[0]), skipped: names.includes('skip') || names.includes('todo') }
}

function toTitle(argument: ts.Expression | undefined): string | undefined {
  if (argument === undefined) return undefined
  if (ts.isStringLiteralLike(argument)) return argument.text
  return ts.isTemplateExpression(argument) ? argument.getText().slice(1, -1) : undefined
}
