import { styleText } from 'node:util'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'

/** Where a command writes: results to `out`, everything else to `err`, so that a pipe gets results and nothing else. */
export interface Terminal {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
  /** Replaces the last line of `err` where that is a screen, and does nothing elsewhere. `out` and `err` clear it first. */
  readonly status: (text: string) => void
  /** Coloured where `out` is a terminal that wants it (`NO_COLOR` is honoured), plain elsewhere. */
  readonly style: (style: Style, text: string) => string
}

const CLEAR_LINE = '\r\u001B[2K'

export function systemTerminal(): Terminal {
  const { stdout, stderr } = process
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
    status: (text) => {
      if (!stderr.isTTY) return
      clearStatus()
      stderr.write(text.slice(0, stderr.columns - 1))
      statusShown = text !== ''
    },
    style: (style, text) => styleText(style, text, { stream: stdout, validateStream: true }),
  }
}
