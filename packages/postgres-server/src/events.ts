/** How a server came to be ours: started anew, or found alive (started by another process, or by one that was killed). */
export const SERVER_ORIGINS = ['started', 'attached'] as const
export type ServerOrigin = (typeof SERVER_ORIGINS)[number]

export interface PostgresServerEvents {
  /** Ready for connections. */
  readonly ready: { readonly origin: ServerOrigin; readonly port: number; readonly durationMs: number }
  /** A server that we started ended without being asked to. Stop and start to bring it back. */
  readonly crashed: { readonly exitCode: number | null; readonly signal: string | null }
  /** We let go of it: it was stopped, or left to the other processes that use it. */
  readonly released: { readonly outcome: 'stopped' | 'left-running'; readonly durationMs: number }
}
