import { createHash } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { InfraError, toError } from '@cidadao/contracts'
import { SourceDeadlineError, SourceDownloadError, SourceTooLargeError } from '../errors.ts'
import { resolveDownloadOptions, type DownloadOptions, type ResolvedDownloadOptions } from './download-options.ts'
import { requestSafely, shownAddress } from './safe-request.ts'

/** A source that lies on this machine and can be read again and again. */
export interface LocalSource extends AsyncDisposable {
  /** What every loader takes: a folder, a ZIP, or a file. */
  readonly path: string
  /** Of the bytes that came over the network; `null` for what was here already. */
  readonly download: { readonly sha256: string; readonly bytes: number } | null
}

const ADDRESS = /^[a-z][a-z\d+.-]*:\/\//i

/**
 * Makes a source readable: a path is taken as it is, an address is downloaded into a temporary file, which is gone
 * when the source is disposed of. A file that came in part, too late or too large leaves nothing behind.
 */
export async function openSource(location: string, options: DownloadOptions = {}): Promise<LocalSource> {
  const resolved = resolveDownloadOptions(options)
  if (!ADDRESS.test(location)) return { path: location, download: null, [Symbol.asyncDispose]: async () => {} }
  const folder = await mkdtemp(join(resolved.folder ?? tmpdir(), 'cidadao-source-'))
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    const { path, sha256, bytes } = await withDeadline(resolved, (signal) => download(location, folder, { ...resolved, signal }))
    return { path, download: { sha256, bytes }, [Symbol.asyncDispose]: remove }
  } catch (thrown) {
    await remove()
    throw thrown
  }
}

/** Not `AbortSignal.any`, which keeps what it made alive as long as the caller's signal lives. */
async function withDeadline<Result>(
  { deadlineMs, signal, clock }: ResolvedDownloadOptions,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  signal?.throwIfAborted()
  const controller = new AbortController()
  const onAbort = (): void => controller.abort(signal?.reason)
  const late = new SourceDeadlineError(`the file did not arrive within deadlineMs = ${deadlineMs}`, { facts: { deadlineMs } })
  const timer = clock.schedule(deadlineMs, () => controller.abort(late))
  signal?.addEventListener('abort', onAbort, { once: true })
  try {
    return await work(controller.signal)
  } catch (thrown) {
    throw controller.signal.aborted ? (controller.signal.reason as Error) : thrown
  } finally {
    timer.cancel()
    signal?.removeEventListener('abort', onAbort)
  }
}

interface Downloaded {
  readonly path: string
  readonly sha256: string
  readonly bytes: number
}

async function download(
  address: string,
  folder: string,
  options: ResolvedDownloadOptions & { readonly signal: AbortSignal },
): Promise<Downloaded> {
  const answer = await requestSafely(address, options)
  const url = new URL(address)
  const path = join(folder, fileNameOf(url))
  const hash = createHash('sha256')
  let bytes = 0
  const { maxBytes } = options
  assertFits(url, Number(answer.headers['content-length'] ?? 0), maxBytes)
  const counted = async function* (chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
    for await (const chunk of chunks) {
      bytes += chunk.length
      assertFits(url, bytes, maxBytes)
      hash.update(chunk)
      yield chunk
    }
  }
  await receive(answer, { url, path, counted, signal: options.signal })
  return { path, sha256: hash.digest('hex'), bytes }
}

interface Receiving {
  readonly url: URL
  readonly path: string
  readonly counted: (chunks: AsyncIterable<Buffer>) => AsyncGenerator<Buffer, void>
  readonly signal: AbortSignal
}

async function receive(answer: IncomingMessage, { url, path, counted, signal }: Receiving): Promise<void> {
  try {
    await pipeline(answer, counted, createWriteStream(path, { flags: 'wx', mode: 0o600 }), { signal })
  } catch (thrown) {
    if (signal.aborted || thrown instanceof InfraError) throw thrown
    const address = shownAddress(url)
    throw new SourceDownloadError(`${address} broke off`, { cause: toError(thrown), facts: { address } })
  }
}

function assertFits(url: URL, bytes: number, maxBytes: number): void {
  if (bytes <= maxBytes) return
  const address = shownAddress(url)
  throw new SourceTooLargeError(`${address} is larger than maxBytes = ${maxBytes}`, { facts: { address, maxBytes } })
}

/** By which findings name the file; nothing of an address may lead out of the folder. */
function fileNameOf({ pathname }: URL): string {
  const name = basename(pathname)
    .replaceAll(/[^\w.-]/g, '_')
    .slice(-100)
  return name === '' || name.startsWith('.') ? 'source' : name
}
