/** What every long-lived part of the system is. */
export interface Service {
  /** Shown in logs and errors. */
  readonly name: string
  /** Ready when it resolves. A second call while started, or starting, does nothing more than wait for the first. */
  start(signal?: AbortSignal): Promise<void>
  /** Nothing runs any more when it resolves. May be called before `start` and twice. */
  stop(): Promise<void>
}
