import { realpathSync } from 'node:fs'
import { realpath } from 'node:fs/promises'
import { isAbsolute, relative, resolve, sep } from 'node:path'
import { InfraError, toError, type JsonObject, type JsonValue } from '@cidadao/contracts'
import { SourceRefusedError } from '../errors.ts'
import type { InvestigationView, StepView } from './api-ports.ts'

/** The sources that requests may name. */
export interface SourceFolder {
  /**
   * Gives `use` the path of a source, links followed.
   *
   * @throws SourceRefusedError when it is not inside the folder, or cannot be read; the message names no path outside it
   */
  open<Result>(source: string, use: (path: string) => Promise<Result>): Promise<Result>
  /** The view with the folder's own path taken out of its texts. */
  conceal(view: InvestigationView): InvestigationView
  /** The same for the data of an event. */
  concealData(data: JsonObject): JsonObject
}

/** Sources inside `root`; without one, none. */
export function sourcesInside(root: string | undefined): SourceFolder {
  if (root === undefined) {
    const refusal = 'source: requests may not name files here; set CIDADAO_DATA_SOURCE_ROOT to the folder that holds them'
    return { open: () => Promise.reject(new SourceRefusedError(refusal)), conceal: (view) => view, concealData: (data) => data }
  }
  return {
    open: async (source, use) => {
      const folder = await realpath(root)
      const path = await locate(source, folder)
      try {
        return await use(path)
      } catch (thrown) {
        throw withoutPath(toError(thrown), [folder, root])
      }
    },
    conceal: (view) => concealed(view, (text) => shorten(text, [followed(root), root])),
    concealData: (data) => mapTexts(data, (text) => shorten(text, [followed(root), root])) as JsonObject,
  }
}

/** Where a source really is. Links are followed first: a name inside the folder may lead out of it. */
async function locate(source: string, folder: string): Promise<string> {
  const shown = JSON.stringify(source)
  if (isAbsolute(source)) throw new SourceRefusedError(`source: must be a name inside the data folder, not an absolute path, got ${shown}`)
  const wanted = resolve(folder, source)
  if (!isWithin(folder, wanted)) throw new SourceRefusedError(`source: must lie inside the data folder, got ${shown}`)
  const found = await realpath(wanted).catch((cause: unknown) => {
    throw new SourceRefusedError(`source: must be a file or folder in the data folder, nothing readable is at ${shown}`, { cause })
  })
  if (!isWithin(folder, found)) throw new SourceRefusedError(`source: must lie inside the data folder, got ${shown}`)
  return found
}

function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}

/** Stored paths have their links followed. A root that is gone has nothing to hide. */
function followed(root: string): string {
  try {
    return realpathSync(root)
  } catch {
    return root
  }
}

function concealed(view: InvestigationView, conceal: (text: string) => string): InvestigationView {
  const concealStep = (step: StepView): StepView => ({ ...step, error: mapTexts(step.error, conceal) })
  return {
    ...view,
    error: view.error === null ? null : conceal(view.error),
    ...(view.steps === undefined ? {} : { steps: view.steps.map(concealStep) }),
  }
}

function mapTexts(value: JsonValue, map: (text: string) => string): JsonValue {
  if (typeof value === 'string') return map(value)
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((part: JsonValue) => mapTexts(part, map))
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, mapTexts(part, map)]))
}

/** What is wrong with a source is the caller's to know; where it lies on this machine is not. */
function withoutPath(error: Error, folders: readonly string[]): Error {
  if (!(error instanceof InfraError) || !error.code.startsWith('PROCUREMENT_')) return error
  return new SourceRefusedError(`source: ${shorten(error.message, folders)}`, { cause: error, facts: { reason: error.code } })
}

function shorten(text: string, folders: readonly string[]): string {
  return folders.reduce((rest, folder) => rest.replaceAll(folder + sep, '').replaceAll(folder, '.'), text)
}
