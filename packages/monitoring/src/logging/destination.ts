import { pino } from 'pino'

/** Where lines go. Node's writable streams fit. */
export interface LogDestination {
  /** One line with its newline. */
  write(line: string): unknown
  /** Whether people read it directly: decides `auto` and colours. */
  readonly isTTY?: boolean | undefined
  /** Resolves when everything written has left the process. */
  flush?(): Promise<void> | void
}

const STDERR = 2

/**
 * Standard error, since standard output belongs to results. Written synchronously: the lines before a crash are the
 * ones that matter. `onError` is told of a full disk and the like; a reader that went away is not an error.
 */
export function standardError(onError: (error: Error) => void): LogDestination {
  const stream = pino.destination({ dest: STDERR, sync: true })
  stream.on('error', onError)
  return {
    write: (line) => stream.write(line),
    isTTY: process.stderr.isTTY,
    flush: () => stream.flushSync(),
  }
}

/** Resolves when a stream has taken what was written; other destinations flush themselves. */
export async function flushDestination(destination: LogDestination): Promise<void> {
  if (destination.flush !== undefined) return destination.flush()
  if (!isStream(destination)) return
  await new Promise<void>((resolve) => destination.write('', () => resolve()))
}

interface CallbackStream {
  readonly writableLength: number
  readonly destroyed: boolean
  write(chunk: string, done: () => void): unknown
}

function isStream(destination: object): destination is CallbackStream {
  return 'writableLength' in destination && 'destroyed' in destination && destination.destroyed === false
}
