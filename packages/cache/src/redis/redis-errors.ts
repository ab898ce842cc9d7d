import { toError } from '@cidadao/contracts'
import { TierRejectedError, TierUnavailableError } from '../errors.ts'

/** Replies that concern one command or key; everything else says that the server as a whole cannot serve. */
const REJECTIONS = new Set(['OOM', 'WRONGTYPE', 'ERR', 'EXECABORT', 'NOSCRIPT', 'BUSYKEY', 'CROSSSLOT'])
const AUTH_REPLIES = new Set(['NOAUTH', 'WRONGPASS', 'NOPERM'])

/** The one place that knows what Redis and its client say. */
export function toTierError(thrown: unknown): TierUnavailableError | TierRejectedError {
  const error = toError(thrown)
  if (error instanceof TierUnavailableError || error instanceof TierRejectedError) return error
  const reply = replyCode(error)
  if (reply !== undefined && REJECTIONS.has(reply))
    return new TierRejectedError(`Redis refused: ${reply}`, { cause: error, facts: { reply } })
  return new TierUnavailableError(`Redis: ${error.message}`, { cause: error, facts: { reply: reply ?? null } })
}

/** The server wants other credentials than it was given. */
export function isAuthFailure(thrown: unknown): boolean {
  const error = toError(thrown)
  return AUTH_REPLIES.has(replyCode(error) ?? '') || /^ERR (AUTH|invalid password|Client sent AUTH)/.test(error.message)
}

/** What a node of a cluster tells a client that takes it for a single server. */
export function saysCluster(thrown: unknown): boolean {
  return ['MOVED', 'ASK', 'CLUSTERDOWN'].includes(replyCode(toError(thrown)) ?? '')
}

/** The first word of a server's error reply; `undefined` for what the client itself reports. */
function replyCode(error: Error): string | undefined {
  return error.name === 'ReplyError' ? error.message.split(' ', 1)[0] : undefined
}
