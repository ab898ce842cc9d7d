import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { identifyProcess } from './process-identity.ts'

/** What the reaper sends first; whatever survives that for a second gets SIGKILL. */
export const REAP_SIGNALS = ['QUIT', 'KILL', 'TERM'] as const
export type ReapSignal = (typeof REAP_SIGNALS)[number]

/**
 * One line a thing to clean up, on standard input: `P signal pid startTicks` or `D folder`. The end of the input means
 * that the parent is gone, however it died. A process is signalled only while its start time is still the recorded
 * one, since ids are given out again. Folders go last, and again, as a dying server may still write.
 */
const SCRIPT = `
same() {
  [ -d /proc/self ] || { kill -0 "$1" 2>/dev/null; return; }
  expected=$2
  read -r line 2>/dev/null < "/proc/$1/stat" || return 1
  set -- \${line##*) }
  [ "$1" != Z ] && [ "\${20}" = "$expected" ]
}
each() {
  action=$1
  alive=no
  set -- $pids
  while [ $# -ge 3 ]; do
    if same "$2" "$3"; then
      alive=yes
      case $action in
        ask) kill "-$1" "$2" ;;
        force) kill -KILL "$2" ;;
      esac
    fi
    shift 3
  done
}
sweep() {
  printf '%s' "$folders" | while IFS= read -r folder; do
    rm -rf -- "$folder" 2>/dev/null
    [ ! -e "$folder" ] || echo left
  done
}
pids=
folders=
while IFS= read -r entry; do
  case $entry in
    P\\ *) pids="$pids \${entry#P }" ;;
    D\\ *) folders="$folders\${entry#D }
" ;;
  esac
done
each ask
for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
  each look
  [ $alive = yes ] || break
  sleep 0.05
done
each force
for round in 1 2 3 4 5 6 7 8 9 10; do
  [ -n "$(sweep)" ] || break
  sleep 0.1
done
`

/**
 * Ends processes and removes folders when this process ends, even by SIGKILL: a small shell in a session of its own
 * waits for the pipe between us to close. POSIX only; on Windows it does nothing until `reap`.
 */
export class Reaper {
  readonly #shell: ChildProcess

  constructor() {
    this.#shell = spawn('/bin/sh', ['-c', SCRIPT], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
      cwd: '/',
      env: { PATH: '/usr/bin:/bin' },
    })
    this.#shell.unref()
    // A reaper that dies early is noticed by `reap`; the pipe's own error would end the process.
    this.#shell.on('error', (error) => process.emitWarning(`no reaper for test servers: ${error.message}`, 'ReaperWarning'))
    this.#shell.stdin?.on('error', (error) => process.emitWarning(`the reaper is gone: ${error.message}`, 'ReaperWarning'))
    ;(this.#shell.stdin as { unref?: () => void } | null)?.unref?.()
  }

  /** The shell that waits; it ends by itself. */
  get pid(): number | undefined {
    return this.#shell.pid
  }

  /** Ends `pid` when this process ends. A process that is gone already is not recorded. */
  watchProcess(pid: number, signal: ReapSignal): void {
    const identity = identifyProcess(pid)
    if (identity === undefined) return
    this.#shell.stdin?.write(`P ${signal} ${String(pid)} ${identity.startTicks ?? '0'}\n`)
  }

  /** Removes `folder` when this process ends. */
  watchFolder(folder: string): void {
    if (folder.includes('\n')) throw new RangeError('folder: a path without line breaks is required')
    this.#shell.stdin?.write(`D ${folder}\n`)
  }

  /** Does now what would be done at the end of this process, and resolves when it is done. Further calls do nothing. */
  async reap(): Promise<void> {
    if (this.#shell.pid === undefined || this.#shell.exitCode !== null || this.#shell.signalCode !== null) return
    this.#shell.ref()
    const gone = once(this.#shell, 'exit')
    this.#shell.stdin?.end()
    await gone
  }
}
