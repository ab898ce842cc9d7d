import type { Readable } from 'node:stream'

/** A file of a source, wherever it lies: in a folder, alone, or in a ZIP. */
export interface SourceFile {
  /** Base name, as findings and errors show it. */
  readonly name: string
  /** Size of the content, unpacked. */
  readonly bytes: number
  /** CRC-32 that the container promises for the content, or `null` where there is no container. */
  readonly expectedCrc32: number | null
  /** Opens the content; the stream is destroyed by who reads it. */
  open(): Promise<Readable>
  /** What an error of this file's stream means to the user. */
  translate(thrown: unknown): Error
}

/** The files of one kind in a source, in the order in which they are read. */
export interface SourceFiles {
  readonly files: readonly SourceFile[]
  close(): void
}

/** Which files of a source are wanted. */
export interface WantedFiles {
  /** Tested against the base name. */
  readonly pattern: RegExp
  /** How such a name looks, for errors. */
  readonly example: string
}
