import { closeSync, openSync, readFileSync, writeSync } from 'node:fs'
import type { Change, Guarantee } from '../simulator/oracle.ts'
import type { Key } from '../simulator/schedule.ts'

/** What a process did and saw, in milliseconds of the machine's monotonic clock, which all its processes share. */
export type Entry = { readonly at: number; readonly by: number } & (
  | { readonly kind: 'change'; readonly id: string; readonly change: Change['kind']; readonly keys: readonly Key[] }
  | { readonly kind: 'made'; readonly id: string; readonly key: Key; readonly source: 'set' | 'factory' }
  | { readonly kind: 'ended'; readonly id: string; readonly outcome: 'done' | 'pending' }
  | {
      readonly kind: 'read'
      readonly key: Key
      readonly product: string
      readonly started: number
      /** How long before `started` this process last ran a timer: so much its millisecond clock may be behind. */
      readonly lagMs: number
      readonly mayBeStale: boolean
      readonly after?: string
      readonly settled?: boolean
    }
  | { readonly kind: 'wrong'; readonly guarantee: Guarantee; readonly what: string }
  | { readonly kind: 'died'; readonly who: number }
  | { readonly kind: 'failover'; readonly sinceMs: number; readonly keys: readonly Key[]; readonly clock: boolean }
)

export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

/** Each entry is in the file before what it tells of goes on, so that nothing is missing of a process that is killed. */
export class Journal {
  readonly #file: number

  constructor(path: string) {
    this.#file = openSync(path, 'a')
  }

  write(entry: Entry): void {
    writeSync(this.#file, `${JSON.stringify(entry)}\n`)
  }

  close(): void {
    closeSync(this.#file)
  }
}

/** Of all processes, in the order in which it happened. */
export function readJournals(paths: readonly string[]): readonly Entry[] {
  const lines = paths.flatMap((path) => readFileSync(path, 'utf8').split('\n'))
  const entries = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Entry)
  return entries.toSorted((one, other) => one.at - other.at)
}
