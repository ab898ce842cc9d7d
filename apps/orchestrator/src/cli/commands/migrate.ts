import { loadConfig } from '@cidadao/config'
import { composeStore } from '../../compose-store.ts'
import { migrateJobQueue } from '../../engine/durable/job-queue.ts'
import { VERSION } from '../../version.ts'
import type { CommandContext, OutputOptions } from '../command-context.ts'
import { EXIT_CODES, type ExitCode } from '../exit-codes.ts'
import { quietUnlessAsked } from '../with-store.ts'

/** `cidadao migrate`: brings the schema of the configured database up to date. */
export async function migrateDatabase(options: OutputOptions, { terminal, texts, signal }: CommandContext): Promise<ExitCode> {
  const store = composeStore(quietUnlessAsked(loadConfig()), VERSION, { migrations: 'apply' })
  let applied = 0
  store.db.events.on('migrated', (event) => {
    applied += event.applied
  })
  await store.start(signal)
  try {
    await migrateJobQueue(store.db)
  } finally {
    await store.stop()
  }
  terminal.out(options.json === true ? JSON.stringify({ applied }) : texts.migrated(applied))
  return EXIT_CODES.success
}
