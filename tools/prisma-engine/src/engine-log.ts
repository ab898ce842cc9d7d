type Level = 'INFO' | 'ERROR'

/** What Prisma's command line reads from standard error: a JSON object a line, whose target it compares. */
export class EngineLog {
  readonly #write: (line: string) => void

  constructor(write: (line: string) => void) {
    this.#write = write
  }

  info(message: string): void {
    this.#line('INFO', { message })
  }

  /** `errorCode` is one of Prisma's (`P1001`); with one, its command line acts on it. */
  error(message: string, errorCode: string | null): void {
    this.#line('ERROR', { message, is_panic: false, ...(errorCode === null ? {} : { error_code: errorCode }) })
  }

  #line(level: Level, fields: Readonly<Record<string, unknown>>): void {
    this.#write(`${JSON.stringify({ timestamp: new Date().toISOString(), level, fields, target: 'schema_engine::logger' })}\n`)
  }
}
