import { loadConfig, type Config } from '@cidadao/config'
import { delay, systemClock } from '@cidadao/contracts'
import { compose, composeServer, type House } from '../../compose.ts'
import { VERSION } from '../../version.ts'
import type { CommandContext } from '../command-context.ts'
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts'
import { apiKeyOf } from '../local-key.ts'

/** `cidadao start`: the orchestrator with its HTTP API, until it is told to stop. */
export async function start(context: CommandContext): Promise<ExitCode> {
  const { terminal, texts, signal } = context
  const config = loadConfig()
  const key = await apiKeyOf(config)
  terminal.err(texts.starting)
  const house = compose(config, VERSION)
  for (const { message } of config.warnings) house.telemetry.logger.warn('configuration', { warning: message })
  const server = composeServer(config, house, key.key)
  await house.start(signal)
  try {
    await server.start(signal)
    terminal.out(texts.listening(server.url()))
    if (key.keptIn !== undefined) terminal.out(texts.localKey(key.key, key.keptIn))
    tellOfRedis(house, context)
    await takeUp(house, context)
    house.telemetry.health.setAccepting(true)
    terminal.out(texts.stopHint)
    await aborted(signal)
    terminal.err(texts.stopping)
  } finally {
    await shutDown(house, server, config)
  }
  terminal.err(texts.stopped)
  return EXIT_CODES.success
}

async function takeUp(house: House, { terminal, texts }: CommandContext): Promise<void> {
  const recovered = await house.engine.recover()
  if (recovered > 0) terminal.out(texts.recovered(recovered))
  const { items } = await house.orchestrator.list({ limit: 1 })
  if (items.length === 0) terminal.out(texts.emptyHint)
}

function tellOfRedis({ redis }: House, { terminal, texts }: CommandContext): void {
  const status = redis?.status()
  if (status === undefined) terminal.out(texts.noRedis)
  else if ('cause' in status) terminal.err(texts.redisUnreachable(status.cause.message))
}

/** Not ready first, so that balancers look away; then no new connections; then the rest. */
async function shutDown(house: House, server: ReturnType<typeof composeServer>, config: Config): Promise<void> {
  house.telemetry.health.setAccepting(false)
  await delay(systemClock, config.http.drainDelayMs)
  await server.stop()
  await house.stop()
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
