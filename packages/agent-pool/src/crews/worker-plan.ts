import type { RouterStrategy } from './routing.ts'
import type { Supervision } from './supervision.ts'

/** The workers of one agent, where it has its own. */
export interface WorkerPlan {
  /** Kept warm, whether there is work or not. @default 1 */
  readonly min?: number
  /** @default the pool's `threads` */
  readonly max?: number
  /** Heap of one worker, in MiB. @default the pool's `threadMemoryMb` */
  readonly memoryMb?: number
  /** @default the pool's `supervision` */
  readonly supervision?: Supervision
  /** How a run finds its worker. @default the pool's `route` */
  readonly route?: RouterStrategy
}
