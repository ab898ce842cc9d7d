/** What one Redis process is started with. */
export interface RedisLaunch {
  readonly port: number
  /** Working folder, kept over restarts: its own for each node. */
  readonly folder: string
  readonly args: readonly string[]
}

/** A Redis process, dead or alive. */
export interface RedisProcess {
  /** As the process sees itself, in `INFO server`. */
  readonly pid: number
  isAlive(): Promise<boolean>
  /** Does nothing to a dead process. */
  signal(name: 'SIGKILL' | 'SIGTERM' | 'SIGSTOP' | 'SIGCONT'): Promise<void>
  /** The last lines of what it printed. */
  logTail(): Promise<string>
}

/** Where Redis processes run: this machine, or the inside of one container. */
export interface RedisMachine {
  readonly kind: 'container' | 'native'
  /** Makes a working folder and puts these files there. */
  makeFolder(name: string, files: Readonly<Record<string, string>>): Promise<string>
  launch(launch: RedisLaunch): Promise<RedisProcess>
  /** Ends every process and removes every folder. May be called twice. */
  close(): Promise<void>
}

/** Gets a machine ready whose Redis processes will listen on these ports of ours, and no others. */
export type OpenMachine = (ports: readonly number[]) => Promise<RedisMachine>
