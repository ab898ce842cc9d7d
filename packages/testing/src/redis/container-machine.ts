import { toError } from '@cidadao/contracts'
import { GenericContainer, Wait, type StartedTestContainer } from 'testcontainers'
import { RedisStartError } from '../errors.ts'
import { isPortTaken, requireContainerEngine } from '../services/container-engine.ts'
import { watchContainers } from '../services/container-reaper.ts'
import type { RedisLaunch, RedisMachine, RedisProcess } from './redis-machine.ts'
import { PortTakenError } from './redis-node.ts'

export const REDIS_IMAGE = 'redis:7'
const ROOT = '/tmp/cidadao'
/** Stays until it is told to go, and collects the processes that die, whose parent it becomes. */
const IDLE = `trap 'exit 0' TERM; mkdir -p ${ROOT}; echo machine is ready; while :; do sleep 1; done`

/**
 * One container for all nodes of a fixture, each a process in it: they reach one another on the loopback address, and
 * so do clients from outside, as every port is published under its own number. With a container a node, no address
 * that a node announces would be right for both.
 *
 * @throws ContainerEngineMissingError; PortTakenError where a port cannot be published
 */
export async function containerMachine(ports: readonly number[]): Promise<RedisMachine> {
  await requireContainerEngine()
  const watched = watchContainers()
  const container = await startIdle(ports, watched.labels).catch((thrown: unknown) => {
    watched.sweep()
    throw thrown
  })
  let closing: Promise<unknown> | undefined
  return {
    kind: 'container',
    makeFolder: (name, files) => makeFolder(container, `${ROOT}/${name}`, files),
    launch: (launch) => launchInside(container, launch),
    close: async () => {
      await (closing ??= container.stop())
      watched.release()
    },
  }
}

async function startIdle(ports: readonly number[], labels: Readonly<Record<string, string>>): Promise<StartedTestContainer> {
  try {
    return await new GenericContainer(REDIS_IMAGE)
      .withLabels(labels)
      .withEntrypoint(['/bin/sh', '-c', IDLE])
      .withExposedPorts(...ports.map((port) => ({ container: port, host: port })))
      .withWaitStrategy(Wait.forLogMessage('machine is ready'))
      .start()
  } catch (thrown) {
    throw isPortTaken(thrown) ? new PortTakenError(toError(thrown).message) : thrown
  }
}

async function makeFolder(container: StartedTestContainer, folder: string, files: Readonly<Record<string, string>>): Promise<string> {
  await run(container, 'mkdir -p "$1"', folder)
  const contents = Object.entries(files).map(([name, content]) => ({ content, target: `${folder}/${name}` }))
  if (contents.length > 0) await container.copyContentToContainer(contents)
  return folder
}

async function launchInside(container: StartedTestContainer, { folder, args }: RedisLaunch): Promise<RedisProcess> {
  const script = 'cd "$1"; shift; redis-server "$@" >> redis.log 2>&1 < /dev/null & echo $!'
  const pid = Number((await run(container, script, folder, ...args)).trim())
  if (!Number.isInteger(pid) || pid <= 0) throw new RedisStartError('redis-server could not be started in the container')
  return {
    pid,
    isAlive: async () => {
      const { exitCode } = await container.exec([
        '/bin/sh',
        '-c',
        'read -r stat < "/proc/$1/stat" && case $stat in *") Z "*) exit 1; esac',
        'sh',
        String(pid),
      ])
      return exitCode === 0
    },
    signal: async (name) => {
      await container.exec(['/bin/sh', '-c', 'kill "-$1" "$2"', 'sh', name.slice('SIG'.length), String(pid)])
    },
    logTail: async () => (await run(container, 'tail -n 5 "$1/redis.log"', folder)).trim().split('\n').join(' | '),
  }
}

async function run(container: StartedTestContainer, script: string, ...args: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await container.exec(['/bin/sh', '-c', script, 'sh', ...args])
  if (exitCode !== 0) throw new RedisStartError(`a command in the Redis container failed (exit code ${String(exitCode)}): ${stderr}`)
  return stdout
}
