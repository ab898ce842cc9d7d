/**
 * URL of the module beside the one with `importMetaUrl`, with the same extension: `siblingModule(import.meta.url,
 * './digits.agent')` is `digits.agent.ts` when run from source, `.js` or `.cjs` when run from a build that has it as
 * an entry of its own.
 */
export function siblingModule(importMetaUrl: string, pathWithoutExtension: string): URL {
  const extension = /\.[cm]?[jt]s$/.exec(new URL(importMetaUrl).pathname)?.[0] ?? '.js'
  return new URL(`${pathWithoutExtension}${extension}`, importMetaUrl)
}
