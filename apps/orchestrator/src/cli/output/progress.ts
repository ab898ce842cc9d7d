import type { EventSource } from '@cidadao/contracts'
import type { EngineEvents } from '../../engine/execution-engine.ts'
import { printable, type Terminal } from './terminal.ts'

const MARKS = { completed: '✓', failed: '✗', skipped: '–', cancelled: '–' } as const

/**
 * Shows the one investigation of this process while it runs, on the error stream: a line for each step that ends, and on
 * a screen one more that tells what is being worked on. Returns how to stop.
 */
export function showProgress(events: EventSource<EngineEvents>, terminal: Terminal): () => void {
  const working = new Map<string, string>()
  const redraw = (): void => {
    const steps = [...working].map(([step, detail]) => (detail === '' ? step : `${step} ${detail}`))
    terminal.status(steps.length === 0 ? '' : `  … ${steps.join(', ')}`)
  }
  const subscriptions = [
    events.on('step-started', ({ stepId }) => {
      working.set(stepId, '')
      redraw()
    }),
    events.on('step-progress', ({ stepId, progress }) => {
      if (!working.has(stepId)) return
      working.set(stepId, describe(progress))
      redraw()
    }),
    events.on('step-ended', ({ stepId, status, remembered, durationMs, reason }) => {
      working.delete(stepId)
      const duration = remembered ? 'cache' : `${Math.round(durationMs)} ms`
      terminal.err(`  ${MARKS[status]} ${stepId}  (${duration})${reason === undefined ? '' : `  ${printable(reason)}`}`)
      redraw()
    }),
    events.on('run-stalled', ({ error, retryInMs }) => terminal.err(`  ! ${printable(error.message)} (+${retryInMs} ms)`)),
  ]
  return () => {
    for (const unsubscribe of subscriptions) unsubscribe()
    terminal.status('')
  }
}

function describe(progress: unknown): string {
  if (typeof progress !== 'object' || progress === null) return ''
  const { rows } = progress as { readonly rows?: unknown }
  return typeof rows === 'number' ? String(rows) : ''
}
