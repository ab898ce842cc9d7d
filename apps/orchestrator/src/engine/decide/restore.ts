import type { JsonValue } from '@cidadao/contracts'
import type { AgentStep, Plan } from '../../plan/plan.ts'
import { newFanOut, type FanOut } from './fan-out.ts'
import { partOf } from './json-part.ts'
import { itemId } from './plan-index.ts'
import { readiness } from './readiness.ts'
import { initialState, isUnneeded, type RunState, type StepProgress, type StepStatus, type StopReason } from './run-state.ts'

/** What is stored of a step, or of an item of a fan-out. */
export interface KnownStep {
  readonly status: StepStatus
  /** Number of the latest try; 0 before the first. */
  readonly attempt: number
  /** Tries that failed, of those; where it is not known, all that have ended count. @default attempt, one less while it runs */
  readonly failures?: number | undefined
  /** Whether the latest try failed and the next one waits for `retry_due`; then `status` may be `running` or `pending`. @default false */
  readonly retrying?: boolean | undefined
  /** Of a completed step that `referencedOutputs` names. */
  readonly output?: JsonValue | undefined
}

export interface KnownRun {
  readonly runId: string
  readonly plan: Plan
  /** By id; items, `prices#3`, among them. */
  readonly steps: ReadonlyMap<string, KnownStep>
  /** Units that ended tries said they cost. @default 0 */
  readonly cost?: number
  /** @default undefined */
  readonly stopped?: StopReason | undefined
  /** Whether agents work on the steps that are stored as running, or went down with the process that started them. */
  readonly running: 'alive' | 'lost'
}

/** The state of a run from what is stored of it. `decide` then goes on with the event `submitted`. */
export function restoreState(run: KnownRun): RunState {
  const fresh = initialState(run.plan, run.runId)
  const outputs = new Map<string, JsonValue>()
  for (const id of fresh.index.referenced) {
    const output = run.steps.get(id)?.output
    if (output !== undefined) outputs.set(id, output)
  }
  const state: RunState = {
    ...fresh,
    outputs,
    steps: new Map(run.plan.steps.map((step) => [step.id, progressOf(run, step.id, lastsWithoutWorker(step))])),
    fanOuts: new Map(run.plan.steps.flatMap((step) => restoredFanOut(run, step as AgentStep, outputs))),
    failures: new Map(
      run.plan.steps.flatMap(({ id }) => (isOpen(run.steps.get(id)) ? [[id, failuresIn(run.steps.get(id))] as const] : [])),
    ),
    spent: { stepRuns: runsIn(run), cost: run.cost ?? 0 },
    stopped: run.stopped,
  }
  return { ...state, unneeded: unneededIn(state) }
}

/** An approval waits for a person and a fan-out for its items: neither dies with a process. */
function lastsWithoutWorker(step: Plan['steps'][number]): boolean {
  return step.kind === 'approval' || step.forEach !== undefined
}

function progressOf(run: KnownRun, id: string, lasts: boolean): StepProgress {
  const known = run.steps.get(id)
  if (known === undefined) return 'pending'
  if (isOpen(known) && known.retrying === true) return 'retrying'
  return known.status === 'running' && run.running === 'lost' && !lasts ? 'pending' : known.status
}

function isOpen(known: KnownStep | undefined): boolean {
  return known?.status === 'running' || known?.status === 'pending'
}

function failuresIn(known: KnownStep | undefined): number {
  if (known === undefined) return 0
  return known.failures ?? (known.status === 'running' && known.retrying !== true ? Math.max(0, known.attempt - 1) : known.attempt)
}

/** Tries of agents: those of approvals and the fan-outs themselves are none. */
function runsIn({ plan, steps }: KnownRun): number {
  const others = new Set(plan.steps.filter(lastsWithoutWorker).map(({ id }) => id))
  let runs = 0
  for (const [id, { attempt }] of steps) if (!others.has(id)) runs += attempt
  return runs
}

function restoredFanOut(run: KnownRun, step: AgentStep, outputs: RunState['outputs']): [string, FanOut][] {
  const status = run.steps.get(step.id)?.status
  if (step.forEach === undefined || (status !== 'running' && status !== 'completed')) return []
  const list = partOf(outputs.get(step.forEach.from), step.forEach.path)
  const items = Array.isArray(list) ? list.length : 0
  const open = new Map<number, 'running' | 'retrying'>()
  const failures = new Map<number, number>()
  const again: number[] = []
  let [next, completed, failed] = [0, 0, 0]
  let firstFailed: number | undefined
  for (let item = 0; item < items; item++) {
    const known = run.steps.get(itemId(step.id, item))
    if (known === undefined) continue
    next = item + 1
    const progress = progressOf(run, itemId(step.id, item), false)
    if (isOpen(known)) failures.set(item, failuresIn(known))
    if (progress === 'pending') again.push(item)
    else if (progress === 'running' || progress === 'retrying') open.set(item, progress)
    else if (progress === 'completed') completed++
    else {
      failed++
      firstFailed ??= item
    }
  }
  const phase = step.forEach.onItemFailure === 'stop' && failed > 0 ? 'halted' : 'open'
  return [[step.id, { ...newFanOut(items), next, open, again, failures, completed, failed, firstFailed, phase }]]
}

/** Why a step was skipped follows from how those before it ended, so it need not be stored. */
function unneededIn(state: RunState): ReadonlySet<string> {
  const unneeded = new Set<string>()
  const looked = new Set<string>()
  const look = (id: string): void => {
    const step = state.index.steps.get(id)
    if (step === undefined || looked.has(id)) return
    looked.add(id)
    step.dependsOn.forEach(look)
    if (state.steps.get(id) !== 'skipped') return
    const ready = readiness({ ...state, unneeded }, step)
    if (ready.verdict === 'skipped' && isUnneeded(ready.reason)) unneeded.add(id)
  }
  state.plan.steps.forEach(({ id }) => look(id))
  return unneeded
}
