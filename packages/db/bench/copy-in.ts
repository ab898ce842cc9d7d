import type pg from 'pg'

/** The part of the driver's connection that COPY needs; its type declarations leave it out. */
interface CopyConnection {
  query(text: string): void
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
}

/** COPY … FROM STDIN of text that is in memory already, by the driver's own hooks: nothing could be barer. */
class CopyIn implements pg.Submittable {
  readonly done: Promise<void>
  readonly #text: string
  readonly #chunks: readonly Buffer[]
  readonly #settle: PromiseWithResolvers<void>

  constructor(text: string, chunks: readonly Buffer[]) {
    this.#text = text
    this.#chunks = chunks
    this.#settle = Promise.withResolvers<void>()
    this.done = this.#settle.promise
  }

  submit(connection: pg.Connection): void {
    ;(connection as unknown as CopyConnection).query(this.#text)
  }

  handleCopyInResponse(connection: CopyConnection): void {
    for (const chunk of this.#chunks) connection.sendCopyFromChunk(chunk)
    connection.endCopyFrom()
  }

  handleError(error: Error): void {
    this.#settle.reject(error)
  }

  handleCommandComplete(): void {}

  handleReadyForQuery(): void {
    this.#settle.resolve()
  }
}

/** Sends rows in the text format of COPY. */
export function copyIn(client: pg.PoolClient, text: string, rows: readonly (readonly unknown[])[]): Promise<void> {
  const chunks: Buffer[] = []
  for (let at = 0; at < rows.length; at += 1_000) {
    chunks.push(
      Buffer.from(
        `${rows
          .slice(at, at + 1_000)
          .map((row) => row.map(toField).join('\t'))
          .join('\n')}\n`,
      ),
    )
  }
  return client.query(new CopyIn(text, chunks)).done
}

const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\t': '\\t', '\n': '\\n', '\r': '\\r' }

function toField(value: unknown): string {
  if (value === null || value === undefined) return '\\N'
  const text = value instanceof Date ? value.toISOString() : typeof value === 'string' ? value : JSON.stringify(value)
  return text.replaceAll(/[\\\t\n\r]/g, (character) => ESCAPES[character] ?? character)
}
