import { evolve } from './evolve.ts'
import { eventOf, type RunCommand, type RunEvent } from './run-messages.ts'
import type { RunState } from './run-state.ts'

/** One decision while it is made: the state as if all commands so far were carried out, and the steps still to look at. */
export class Turn {
  readonly before: RunState
  readonly #commands: RunCommand[] = []
  readonly #toLookAt: string[] = []
  #state: RunState

  constructor(before: RunState, event: RunEvent) {
    this.before = before
    this.#state = evolve(before, event)
  }

  get state(): RunState {
    return this.#state
  }

  get commands(): readonly RunCommand[] {
    return this.#commands
  }

  issue(command: RunCommand): void {
    this.#commands.push(command)
    const event = eventOf(command)
    if (event === undefined) return
    this.#state = evolve(this.#state, event)
    if (event.type === 'step_ended') this.lookAt(this.#state.index.dependents.get(event.stepId) ?? [])
  }

  lookAt(stepIds: Iterable<string>): void {
    for (const stepId of stepIds) this.#toLookAt.push(stepId)
  }

  /** Steps in the order in which they were named, also those named meanwhile. */
  toLookAt(): Iterable<string> {
    return this.#toLookAt
  }
}
