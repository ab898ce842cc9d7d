import { once } from 'node:events'
import { styleText } from 'node:util'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** Where a command writes: results to `out`, everything else to `err`, so that a pipe gets results and nothing else. */
export interface Terminal {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** Writes to `out` as it is, no faster than the reader reads. */
  readonly stream: (text: string) => Promise<void>
  /** Replaces the last line of `err` where that is a screen, and does nothing elsewhere. `out` and `err` clear it first. */
  readonly status: (text: string) => void
  /** Coloured where the stream is a terminal that wants it (`NO_COLOR` is honoured), plain elsewhere. */
  readonly style: (style: Style, text: string, stream?: 'out' | 'err') => string
}

const CLEAR_LINE = '\r\u001B[2K'
const DEFAULT_COLUMNS = 80

export function systemTerminal(): Terminal {
  const { stdout, stderr } = process
  for (const stream of [stdout, stderr]) stream.on('error', ignoreClosedPipe)
  let statusShown = false
  const clearStatus = (): void => {
    if (statusShown) stderr.write(CLEAR_LINE)
    statusShown = false
  }
  return {
    out: (text) => {
      clearStatus()
      stdout.write(`${text}\n`)
    },
    err: (text) => {
      clearStatus()
      stderr.write(`${text}\n`)
    },
    stream: async (text) => {
      clearStatus()
      // A reader that has gone away never drains what it was given.
      if (!stdout.write(text) && !stdout.destroyed) await Promise.race([once(stdout, 'drain'), once(stdout, 'close')])
    },
    status: (text) => {
      if (!stderr.isTTY) return
      clearStatus()
      // A terminal that does not know its width says 0.
      stderr.write(text.slice(0, (stderr.columns || DEFAULT_COLUMNS) - 1))
      statusShown = text !== ''
    },
    style: (style, text, stream = 'out') => styleText(style, text, { stream: stream === 'out' ? stdout : stderr, validateStream: true }),
  }
}

/** Text from files and questions, for one line of a terminal: control characters could move its cursor or recolour it. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]+/gu, ' ')
}

/** `cidadao list | head` closes the pipe when it has seen enough: the rest has no reader, and that is no failure. */
function ignoreClosedPipe(error: Error): void {
  if (!('code' in error) || error.code !== 'EPIPE') throw error
}
