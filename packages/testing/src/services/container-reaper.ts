import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { testEnvironment } from './service-choice.ts'

const SCRIPT = fileURLToPath(new URL('container-reaper-process.ts', import.meta.url))
const LABEL = 'br.cidadao.test-fixture'

/** Containers that are gone with this process, however it ends. */
export interface WatchedContainers {
  /** To be put on every container of the fixture before it is made. */
  readonly labels: Readonly<Record<string, string>>
  /** The fixture has removed its containers itself. */
  release(): void
  /** The fixture failed half-way: removes now whatever it made. */
  sweep(): void
}

/**
 * testcontainers has a reaper of its own, Ryuk, in a container. It does not run everywhere, and where it is switched
 * off this does its work: a process that outlives ours by a moment.
 */
export function watchContainers(): WatchedContainers {
  const id = randomUUID()
  const labels = { [LABEL]: id }
  if (testEnvironment.TESTCONTAINERS_RYUK_DISABLED !== 'true') return { labels, release: () => {}, sweep: () => {} }
  const child = spawn(process.execPath, ['--no-warnings', SCRIPT, `${LABEL}=${id}`], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  })
  child.unref()
  ;(child.stdin as { unref?: () => void }).unref?.()
  child.on('error', (error) => process.emitWarning(`no reaper for test containers: ${error.message}`, 'ReaperWarning'))
  child.stdin.on('error', (error) => process.emitWarning(`the reaper of test containers is gone: ${error.message}`, 'ReaperWarning'))
  return { labels, release: () => void child.kill(), sweep: () => void child.stdin.end() }
}
