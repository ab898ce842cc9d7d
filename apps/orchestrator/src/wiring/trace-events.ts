import type { Cache } from '@cidadao/cache'
import type { EventSource } from '@cidadao/contracts'
import type { Database } from '@cidadao/db'
import { SpanStatusCode, type Span } from '@opentelemetry/api'
import type { EngineEvents, ExecutionEngine } from '../engine/execution-engine.ts'
import type { StepPool } from '../engine/pool-step-runner.ts'
import { rootOf, traceOf } from '../telemetry/investigation-trace.ts'
import type { Tracing } from '../telemetry/tracing.ts'

interface Traced {
  readonly db: Pick<Database, 'events'>
  readonly cache: Cache
  readonly engine: { readonly events: EventSource<EngineEvents> }
}

/** Turns the packages' events into spans under whatever span is active where they are told. Costs nothing without traces. */
export function traceEvents(tracing: Tracing, { db, cache, engine }: Traced): void {
  if (!tracing.enabled) return
  db.events.on('query', ({ operation, durationMs, code }) => {
    const attributes = { 'db.system.name': 'postgresql', 'db.query.summary': operation }
    tracing.ended(operation, { durationMs, attributes, ...(code === null ? {} : { failure: code }) })
  })
  cache.on('lookup', ({ namespace, outcome, tier }) => {
    tracing.note('cache lookup', {
      'cache.name': namespace,
      'cache.outcome': outcome,
      ...(tier === undefined ? {} : { 'cache.layer': tier }),
    })
  })
  cache.on('operation', ({ tier, operation, outcome, durationMs }) => {
    const failure = outcome === 'ok' ? {} : { failure: outcome }
    tracing.ended(`cache ${operation}`, { durationMs, attributes: { 'cache.layer': tier, 'cache.operation': operation }, ...failure })
  })
  cache.on('factory', ({ namespace, outcome, durationMs }) => {
    const failure = outcome === 'ok' ? {} : { failure: outcome }
    tracing.ended(`cache load ${namespace}`, { durationMs, attributes: { 'cache.name': namespace }, ...failure })
  })
  traceSteps(tracing, engine.events)
}

/**
 * A step's span lasts from its start to the moment its end is stored, and is active in between: the engine tells both
 * within the work itself, so what it awaits there belongs to the step.
 */
function traceSteps(tracing: Tracing, events: EventSource<EngineEvents>): void {
  const open = new Map<string, Span>()
  events.on('step-started', ({ id, stepId, agent, attempt }) => {
    const attributes = { 'cidadao.investigation.id': id, 'cidadao.step': stepId, 'cidadao.agent': agent, 'cidadao.attempt': attempt }
    const span = tracing.begin(`step ${agent}`, { parent: rootOf(id), attributes })
    if (span === undefined) return
    // A step that was given up told no end; its next attempt shows that it has one.
    open.get(`${id} ${stepId}`)?.end()
    open.set(`${id} ${stepId}`, span)
    tracing.enter(span)
  })
  events.on('step-ended', ({ id, stepId, status, remembered }) => {
    const span = open.get(`${id} ${stepId}`)
    open.delete(`${id} ${stepId}`)
    span?.setAttributes({ 'cidadao.step.status': status, 'cidadao.step.remembered': remembered })
    if (status === 'failed') span?.setStatus({ code: SpanStatusCode.ERROR, message: status })
    span?.end()
    if (span !== undefined) tracing.enter(rootOf(id))
  })
  const close = (id: string, status: string): void => {
    for (const [key, span] of open) {
      if (!key.startsWith(`${id} `)) continue
      open.delete(key)
      span.setAttribute('cidadao.step.status', status).end()
    }
  }
  events.on('run-abandoned', ({ id }) => close(id, 'abandoned'))
  events.on('run-stalled', ({ id }) => close(id, 'stalled'))
  events.on('run-ended', ({ id, outcome, durationMs }) => {
    close(id, 'cancelled')
    const attributes = { 'cidadao.investigation.id': id, 'cidadao.investigation.status': outcome.status }
    const span = tracing.begin('investigation', { parent: rootOf(id), startedMsAgo: durationMs, attributes })
    if (outcome.status === 'error') span?.setStatus({ code: SpanStatusCode.ERROR, message: outcome.status })
    span?.end()
  })
}

/** The engine whose submissions begin the trace of their investigation, linked to the request that asked for it. */
export function tracedEngine(engine: ExecutionEngine, tracing: Tracing): ExecutionEngine {
  if (!tracing.enabled) return engine
  const submit: ExecutionEngine['submit'] = (...args) => {
    const [run] = args
    const asking = tracing.current()
    const links = asking === undefined ? [] : [{ context: { ...asking, traceFlags: 1 } }]
    const attributes = { 'cidadao.investigation.id': run.id, 'cidadao.steps': run.plan.steps.length }
    return tracing.inSpan('submit', { ids: traceOf(run.id), parent: 'root', links, attributes }, () => engine.submit(...args))
  }
  return new Proxy(engine, {
    get: (target, name) => {
      if (name === 'submit') return submit
      const value: unknown = Reflect.get(target, name, target)
      // Its methods need their own object: they use private fields.
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

/** The pool whose runs are spans, from asking for an agent to its answer: the wait in the queue included. */
export function tracedPool(pool: StepPool, tracing: Tracing): StepPool {
  if (!tracing.enabled) return pool
  const run: StepPool['run'] = (agent: string, input: unknown, options?: object) =>
    tracing.inSpan(`agent ${agent}`, { attributes: { 'cidadao.agent': agent } }, () => pool.run(agent, input, options))
  return { agents: () => pool.agents(), run }
}
