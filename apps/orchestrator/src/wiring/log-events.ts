import type { Cache } from '@cidadao/cache'
import type { RedisConnection } from '@cidadao/cache/redis'
import type { EventSource, Logger } from '@cidadao/contracts'
import type { CachedInvestigations, OutboxRelay } from '@cidadao/db'
import { EngineStoppingError } from '../errors.ts'
import type { EngineEvents } from '../engine/execution-engine.ts'

interface Speaking {
  readonly engine: { readonly events: EventSource<EngineEvents> }
  readonly cache: Cache
  readonly redis: RedisConnection | undefined
  readonly investigations: Pick<CachedInvestigations, 'events'>
  readonly relay: Pick<OutboxRelay, 'events'>
}

/** What an operator wants in the log, and nothing that happens a thousand times a second. */
export function logEvents(logger: Logger, { engine, cache, redis, investigations, relay }: Speaking): void {
  investigations.events.on('cache-failed', ({ operation, code }) =>
    logger.warn('investigations are read past the cache', { operation, code }),
  )
  investigations.events.on('cached-row-refused', ({ reason }) => logger.warn('a cached investigation was not used', { reason }))
  relay.events.on('long-transaction', (transaction) => logger.warn('a transaction holds up invalidations of the cache', { ...transaction }))
  engine.events.on('run-submitted', ({ id, steps }) => logger.info('investigation submitted', { investigation: id, steps: steps.length }))
  engine.events.on('run-ended', ({ id, outcome, durationMs }) => {
    logger.info('investigation ended', { investigation: id, status: outcome.status, durationMs })
  })
  engine.events.on('run-stalled', ({ id, error, retryInMs }) =>
    logger.warn('investigation stalled', { investigation: id, error, retryInMs }),
  )
  engine.events.on('run-abandoned', ({ id, error }) => {
    if (error instanceof EngineStoppingError) logger.info('investigation left to the next start', { investigation: id })
    else logger.error('investigation given up by this process', { investigation: id, error })
  })
  engine.events.on('step-ended', ({ id, stepId, status, reason }) => {
    if (status === 'failed') logger.warn('step failed', { investigation: id, step: stepId, reason })
  })
  cache.on('tier-state', ({ tier, from, to, cause }) => logger.warn('cache tier changed state', { tier, from, to, cause }))
  cache.on('error', ({ operation, error, tier, namespace }) => logger.warn('cache operation failed', { operation, error, tier, namespace }))
  redis?.on('status', (status) => {
    // Idle is how it begins and ends.
    if (status.state === 'idle') return
    if (status.state === 'connected') logger.info('redis connected', { mode: status.mode, nodes: status.nodes.length })
    else logger.warn('redis not usable', { ...status })
  })
}
