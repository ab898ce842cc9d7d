import { InvalidArgumentError, Option, type Command } from 'commander'
import type { Language } from '../plan/question.ts'
import type { OutputOptions } from './command-context.ts'
import type { ApiKeyCreateOptions } from './commands/api-key.ts'
import { API_KEY_TEXTS } from './output/api-key-texts.ts'
import type { Carry } from './program.ts'

/** As the database has them; it is not loaded for showing help. A test compares the two. */
export const ROLE_NAMES = ['owner', 'auditor', 'operator'] as const
const LONGEST_DAYS = 3_650

interface Parts {
  readonly language: Language
  readonly json: () => Option
  readonly carry: Carry
}

/** `cidadao api-key create|list|revoke`. */
export function addApiKeyCommands(program: Command, { language, json, carry }: Parts): void {
  const { help } = API_KEY_TEXTS[language]
  const group = program.command('api-key').description(help.group)
  group
    .command('create')
    .argument('<subject>', help.subject)
    .description(help.create)
    .addOption(new Option('--role <role>', help.role).choices(ROLE_NAMES).default('owner', ''))
    .option('--label <text>', help.label)
    .addOption(new Option('--expires-days <days>', help.expires).argParser(toDays))
    .addOption(json())
    .action((subject: string, options: ApiKeyCreateOptions) =>
      carry(async (context) => (await import('./commands/api-key.ts')).createApiKey(subject, options, context)),
    )
  group
    .command('list')
    .description(help.list)
    .addOption(json())
    .action((options: OutputOptions) => carry(async (context) => (await import('./commands/api-key.ts')).listApiKeys(options, context)))
  group
    .command('revoke')
    .argument('<prefix>', help.prefix)
    .description(help.revoke)
    .addOption(json())
    .action((prefix: string, options: OutputOptions) =>
      carry(async (context) => (await import('./commands/api-key.ts')).revokeApiKey(prefix, options, context)),
    )
}

function toDays(text: string): number {
  const days = Number(text)
  if (/^\d+$/.test(text) && days >= 1 && days <= LONGEST_DAYS) return days
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${LONGEST_DAYS}`)
}
