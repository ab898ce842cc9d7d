import { loadConfig } from '@cidadao/config'
import { delay, systemClock } from '@cidadao/contracts'
import { compose, composeServer, type House } from '../../compose.ts'
import { VERSION } from '../../version.ts'
import type { CommandContext } from '../command-context.ts'
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts'
import { apiKeyOf, type ApiKey } from '../local-key.ts'

type Server = ReturnType<typeof composeServer>

/** `cidadao start`: the orchestrator with its HTTP API, until it is told to stop. */
export async function start(context: CommandContext): Promise<ExitCode> {
  const { terminal, texts, signal } = context
  const config = loadConfig()
  const key = await apiKeyOf(config)
  terminal.err(texts.starting)
  const house = compose(config, VERSION)
  const server = composeServer(config, house, key.key)
  for (const { message } of config.warnings) house.telemetry.logger.warn('configuration', { warning: message })
  try {
    await open({ house, server, key }, context)
    await aborted(signal)
    terminal.err(texts.stopping)
    // Not ready first, so that balancers look away before connections are refused.
    house.telemetry.health.setAccepting(false)
    server.drain()
    await delay(systemClock, config.http.drainDelayMs)
  } catch (error) {
    // Told to stop while still starting: what had come up is down again, which is all that was asked.
    if (!signal.aborted) throw error
  } finally {
    await close(house, server)
  }
  terminal.err(texts.stopped)
  return EXIT_CODES.success
}

async function open(
  { house, server, key }: { readonly house: House; readonly server: Server; readonly key: ApiKey },
  context: CommandContext,
): Promise<void> {
  const { terminal, texts, signal } = context
  await house.start(signal)
  await server.start(signal)
  terminal.out(texts.listening(server.url()))
  if (key.keptIn !== undefined) terminal.out(texts.localKey(key.key, key.keptIn))
  tellOfRedis(house, context)
  await takeUp(house, context)
  house.telemetry.health.setAccepting(true)
  terminal.out(texts.stopHint)
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

/** The house comes down even where the server could not be closed. */
async function close(house: House, server: Server): Promise<void> {
  try {
    await server.stop()
  } finally {
    await house.stop()
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
