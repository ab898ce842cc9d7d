import { delay, toError } from '@cidadao/contracts'
import { PortalKeyRefusedError, PortalUnavailableError } from '../errors.ts'
import type { ResolvedPortalApiOptions } from './portal-api-options.ts'
import type { RequestPace } from './request-pace.ts'

/** What one attempt led to. */
type Attempt =
  | { readonly kind: 'answer'; readonly text: string }
  | { readonly kind: 'again'; readonly reason: string; readonly status: number | null; readonly retryAfterMs: number | null }

interface RequestContext {
  readonly options: ResolvedPortalApiOptions
  readonly pace: RequestPace
  readonly signal: AbortSignal
}

const LONGEST_RETRY_DELAY_MS = 60_000

/**
 * The body of the answer to one question. 429, 5xx and broken connections are tried again: after what `Retry-After`
 * asks for, otherwise after a delay that doubles and is jittered. Everything else is final.
 */
export async function requestPortal(pathAndQuery: string, context: RequestContext): Promise<string> {
  const { maxAttempts, clock } = context.options
  for (let attempt = 1; ; attempt++) {
    await context.pace.wait(context.signal)
    const result = await tryOnce(pathAndQuery, context)
    if (result.kind === 'answer') return result.text
    if (attempt >= maxAttempts) throw unavailable(pathAndQuery, `${result.reason}, ${maxAttempts} times`, result.status)
    await delay(clock, retryDelay(attempt, result.retryAfterMs, context.options), context.signal)
  }
}

async function tryOnce(pathAndQuery: string, { options, signal }: RequestContext): Promise<Attempt> {
  const { apiKey, baseUrl, requestTimeoutMs, clock } = options
  const controller = new AbortController()
  const onAbort = (): void => controller.abort(signal.reason)
  const timer = clock.schedule(requestTimeoutMs, () => controller.abort(new Error('timeout')))
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    // A redirection would carry the key to another server.
    const headers = { 'chave-api-dados': apiKey, accept: 'application/json' }
    const answer = await fetch(new URL(pathAndQuery, baseUrl), { headers, redirect: 'error', signal: controller.signal })
    return await toAttempt(answer, { pathAndQuery, options })
  } catch (thrown) {
    signal.throwIfAborted()
    if (thrown instanceof PortalKeyRefusedError || thrown instanceof PortalUnavailableError) throw thrown
    return {
      kind: 'again',
      reason: controller.signal.aborted ? 'gave no answer in time' : reasonOf(thrown),
      status: null,
      retryAfterMs: null,
    }
  } finally {
    timer.cancel()
    signal.removeEventListener('abort', onAbort)
  }
}

async function toAttempt(
  answer: Response,
  { pathAndQuery, options }: { readonly pathAndQuery: string; readonly options: ResolvedPortalApiOptions },
): Promise<Attempt> {
  const { status } = answer
  if (status === 200) return { kind: 'answer', text: await answer.text() }
  await answer.body?.cancel()
  if (status === 401 || status === 403) throw new PortalKeyRefusedError(`the Portal refuses the API key (${status})`, { facts: { status } })
  if (status !== 429 && status < 500) throw unavailable(pathAndQuery, `answered with status ${status}`, status)
  const retryAfterMs = toMilliseconds(answer.headers.get('retry-after'), options.clock.now())
  return { kind: 'again', reason: `answered with status ${status}`, status, retryAfterMs }
}

/** `Retry-After` is a number of seconds or a date. */
function toMilliseconds(retryAfter: string | null, now: Date): number | null {
  if (retryAfter === null) return null
  const ms = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1_000 : Date.parse(retryAfter) - now.getTime()
  return Number.isFinite(ms) ? Math.max(0, ms) : null
}

function retryDelay(attempt: number, retryAfterMs: number | null, { retryDelayMs, random }: ResolvedPortalApiOptions): number {
  const longest = Math.min(LONGEST_RETRY_DELAY_MS, retryDelayMs * 2 ** (attempt - 1))
  return retryAfterMs ?? longest * (0.5 + random() / 2)
}

function reasonOf(thrown: unknown): string {
  const cause = toError(toError(thrown).cause ?? thrown)
  return `cannot be reached (${'code' in cause && typeof cause.code === 'string' ? cause.code : cause.name})`
}

/** Path and query hold no secret: the key travels in a header. */
function unavailable(pathAndQuery: string, what: string, status: number | null): PortalUnavailableError {
  return new PortalUnavailableError(`the Portal's API ${what}: ${pathAndQuery}`, {
    facts: { question: pathAndQuery, ...(status === null ? {} : { status }) },
  })
}
