import type { EventSource } from '@cidadao/contracts'
import type { EngineEvents } from '../engine/execution-engine.ts'
import type { Terminal } from './terminal.ts'

const MARKS = { completed: '✓', failed: '✗', skipped: '–', cancelled: '–' } as const

/**
 * Shows an investigation while it runs, on the error stream: a line for each step that ends, and on a screen one more
 * that tells what is being worked on. Returns how to stop.
 */
export function showProgress(events: EventSource<EngineEvents>, id: string, terminal: Terminal): () => void {
  const working = new Map<string, string>()
  const redraw = (): void => {
    const steps = [...working].map(([step, detail]) => (detail === '' ? step : `${step} ${detail}`))
    terminal.status(steps.length === 0 ? '' : `  … ${steps.join(', ')}`)
  }
  const subscriptions = [
    events.on('step-started', (event) => {
      if (event.id !== id) return
      working.set(event.stepId, '')
      redraw()
    }),
    events.on('step-progress', (event) => {
      if (event.id !== id || !working.has(event.stepId)) return
      working.set(event.stepId, describe(event.progress))
      redraw()
    }),
    events.on('step-ended', (event) => {
      if (event.id !== id) return
      working.delete(event.stepId)
      const duration = event.remembered ? 'cache' : `${Math.round(event.durationMs)} ms`
      terminal.err(`  ${MARKS[event.status]} ${event.stepId}  (${duration})${event.reason === undefined ? '' : `  ${event.reason}`}`)
      redraw()
    }),
    events.on('run-stalled', (event) => {
      if (event.id === id) terminal.err(`  ! ${event.error.message}; again in ${event.retryInMs} ms`)
    }),
  ]
  return () => {
    for (const unsubscribe of subscriptions) unsubscribe()
    working.clear()
    redraw()
  }
}

function describe(progress: unknown): string {
  if (typeof progress !== 'object' || progress === null) return ''
  const { rows } = progress as { readonly rows?: unknown }
  return typeof rows === 'number' ? `${rows} rows` : ''
}
