#!/usr/bin/env node
import { writeSync } from 'node:fs'
import { DatabaseCommandError, runDatabaseCommand } from './database-commands.ts'
import { parseEngineArguments, type Datasource, type EngineArguments } from './engine-arguments.ts'
import { EngineLog } from './engine-log.ts'
import { isPanic } from './engine-failure.ts'
import { RpcServer } from './rpc-server.ts'
import { SchemaEngineApi } from './schema-engine-api.ts'

const FAILED = 1
const PANICKED = 101
const STOP_SIGNALS = ['SIGINT', 'SIGTERM'] as const

// Written at once and whole, so that nothing is lost when the process ends right afterwards.
const log = new EngineLog((line) => writeSync(2, line))

async function runCommand(datasource: Datasource, work: (url: string) => Promise<string>): Promise<void> {
  // Prisma's command line drops the first line unread.
  log.info('schema engine, WebAssembly build')
  if (datasource.url === null) throw new TypeError('a datasource with an address is required')
  log.info(await work(datasource.url))
}

async function converse({ datasource, datamodels }: Extract<EngineArguments, { mode: 'conversation' }>): Promise<void> {
  let panicWords = 'the engine panicked'
  const server = new RpcServer({
    input: process.stdin,
    write: (line) => writeSync(1, line),
    createApi: (print) =>
      new SchemaEngineApi({
        datasource,
        datamodels,
        print,
        log: (line) => writeSync(2, line),
        onPanic: (message) => {
          panicWords = message
        },
      }),
  })
  const onBroken = (thrown: unknown): void => {
    log.error(isPanic(thrown) ? panicWords : String(thrown), null)
    server.panic(isPanic(thrown) ? panicWords : String(thrown))
    process.exit(PANICKED)
  }
  // A panic comes out of a callback of the WebAssembly, where nobody can catch it.
  process.on('uncaughtException', onBroken)
  process.on('unhandledRejection', onBroken)
  for (const signal of STOP_SIGNALS) process.once(signal, () => void server.close().finally(() => process.exit(0)))
  await server.run().catch(onBroken)
  await server.close()
}

try {
  const given = parseEngineArguments(process.argv.slice(2))
  if (given.mode === 'conversation') await converse(given)
  else await runCommand(given.datasource, (url) => runDatabaseCommand(given.command, url))
} catch (error) {
  log.error(error instanceof Error ? error.message : String(error), error instanceof DatabaseCommandError ? error.errorCode : null)
  process.exitCode = FAILED
}
