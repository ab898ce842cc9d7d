import type { ServiceKind } from '../services/service-choice.ts'
import { startOnSomeMachine } from './choose-machine.ts'
import type { OpenMachine, RedisMachine } from './redis-machine.ts'
import { PortTakenError, RedisNode } from './redis-node.ts'
import { chooseRedisPorts } from './redis-ports.ts'
import { createTestCertificate, type TestCertificate } from './test-certificate.ts'

export interface StartRedisOptions {
  /** @default none is asked for */
  readonly password?: string
  /** As Redis writes it, `64mb`. @default no limit */
  readonly maxmemory?: string
  /** Whether it speaks TLS only, with a certificate made for the occasion. @default 'off' */
  readonly tls?: 'on' | 'off'
  /** Further arguments of `redis-server`, as `['--appendonly', 'yes']`. @default [] */
  readonly args?: readonly string[]
  /** Longest time to answer, in milliseconds. @default 10_000 */
  readonly startTimeoutMs?: number
}

/** One Redis of a test's own, to be broken at will. */
export interface RedisFixture {
  readonly kind: Exclude<ServiceKind, 'url'>
  readonly url: string
  readonly host: string
  readonly port: number
  readonly password: string | null
  /** What the server shows, and what a client must trust; `null` without TLS. */
  readonly tls: TestCertificate | null
  /** Runs one command on a connection of its own. */
  command(name: string, ...args: readonly string[]): Promise<unknown>
  /** SIGKILL. */
  kill(): Promise<void>
  /** SIGSTOP: connections stay open and nothing answers. */
  pause(): Promise<void>
  resume(): Promise<void>
  /** The same port again; what was in memory only is lost. */
  restart(): Promise<void>
  stop(): Promise<void>
}

const START_TIMEOUT_MS = 10_000
const PORT_ATTEMPTS = 5
/** No persistence and nothing that waits: what a test wants unless it says otherwise. */
export const BASE_ARGS: readonly string[] = ['--daemonize', 'no', '--save', '', '--appendonly', 'no', '--repl-diskless-sync-delay', '0']

/**
 * Starts a single Redis to be broken: a child process, else (or with `TEST_SERVICES=docker`) one in a container.
 *
 * @throws RedisStartError, TestServiceUnavailableError
 */
export function startRedis(options: StartRedisOptions = {}): Promise<RedisFixture> {
  return startOnSomeMachine((openMachine) => startRedisOn(openMachine, options))
}

/** Starts a single Redis on this kind of machine. */
export function startRedisOn(openMachine: OpenMachine, options: StartRedisOptions = {}): Promise<RedisFixture> {
  return onRedisPorts(1, async (ports) => startOn(await openMachine(ports), ports[0] ?? 0, options))
}

/** Runs `start` with new ports until they are not taken by another program in the meantime. */
export async function onRedisPorts<T>(count: number, start: (ports: readonly number[]) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(await chooseRedisPorts(count))
    } catch (error) {
      if (!(error instanceof PortTakenError) || attempt === PORT_ATTEMPTS) throw error
    }
  }
}

/** Starts a single Redis on `machine`, which is closed with it, or when it fails. */
async function startOn(machine: RedisMachine, port: number, options: StartRedisOptions): Promise<RedisFixture> {
  try {
    const tls = options.tls === 'on' ? createTestCertificate() : null
    const folder = await machine.makeFolder('node', tlsFiles(tls))
    const password = options.password ?? null
    const args = [...listenArgs(machine, port, tls), ...BASE_ARGS, ...limitArgs(options), ...(options.args ?? [])]
    const node = new RedisNode(machine, { port, folder, args, password, tls, startTimeoutMs: options.startTimeoutMs ?? START_TIMEOUT_MS })
    await node.start()
    return toFixture(machine, node, { password, tls })
  } catch (error) {
    await machine.close()
    throw error
  }
}

/** In a container the published port arrives at another address than the loopback one. */
export function listenArgs(machine: RedisMachine, port: number, tls: TestCertificate | null): string[] {
  const bind = machine.kind === 'native' ? ['--bind', '127.0.0.1'] : ['--bind', '*', '--protected-mode', 'no']
  if (tls === null) return [...bind, '--port', String(port)]
  const files = ['--tls-cert-file', 'tls.crt', '--tls-key-file', 'tls.key', '--tls-ca-cert-file', 'tls.crt', '--tls-auth-clients', 'no']
  return [...bind, '--port', '0', '--tls-port', String(port), ...files]
}

function tlsFiles(tls: TestCertificate | null): Record<string, string> {
  return tls === null ? {} : { 'tls.crt': tls.certificate, 'tls.key': tls.privateKey }
}

function limitArgs({ password, maxmemory }: StartRedisOptions): string[] {
  return [...(password === undefined ? [] : ['--requirepass', password]), ...(maxmemory === undefined ? [] : ['--maxmemory', maxmemory])]
}

function toFixture(machine: RedisMachine, node: RedisNode, access: Pick<RedisFixture, 'password' | 'tls'>): RedisFixture {
  return {
    kind: machine.kind,
    url: node.url,
    host: node.host,
    port: node.port,
    ...access,
    command: (name, ...args) => node.command(name, ...args),
    kill: () => node.kill(),
    pause: () => node.pause(),
    resume: () => node.resume(),
    restart: () => node.restart(),
    stop: () => machine.close(),
  }
}
