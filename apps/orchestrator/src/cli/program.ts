import { Command, InvalidArgumentError, Option } from 'commander'
import { LANGUAGES, type Language } from '../plan/question.ts'
import { VERSION } from '../version.ts'
import { addApiKeyCommands } from './api-key-commands.ts'
import { addAuditCommands } from './audit-commands.ts'
import { toContext, type CommandContext, type OutputOptions } from './command-context.ts'
import type { InvestigateOptions } from './commands/investigate.ts'
import { EXIT_CODES, type ExitCode } from './exit-codes.ts'
import { HELP_TEXTS, type HelpTexts } from './output/help-texts.ts'
import type { Terminal } from './output/terminal.ts'
import { languageOfLocale } from './output/texts.ts'

/** Runs one call of `cidadao` and resolves to its exit code; rejects with what went wrong. */
export async function runProgram(args: readonly string[], terminal: Terminal, signal: AbortSignal): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT_CODES.success
  const language = languageOf(args)
  const program = buildProgram({ terminal, language, help: HELP_TEXTS[language] }, async (work) => {
    exitCode = await work(toContext(terminal, signal, language))
  })
  await program.parseAsync(args, { from: 'user' })
  return exitCode
}

/** Asked for, or else the person's own. Known before the rest is read, since help and refusals are in it too. */
function languageOf(args: readonly string[]): Language {
  const asked = args.findLast((arg, index) => arg.startsWith('--lang=') || args[index - 1] === '--lang')?.replace('--lang=', '')
  return LANGUAGES.find((language) => language === asked) ?? languageOfLocale(Intl.DateTimeFormat().resolvedOptions().locale)
}

/** Runs the command that was asked for. */
export type Carry = (work: (context: CommandContext) => Promise<ExitCode> | ExitCode) => Promise<void>

/** A command's code is loaded when it is called: asking for the configuration must not load a database driver. */
function buildProgram(face: { readonly terminal: Terminal; readonly language: Language; readonly help: HelpTexts }, carry: Carry): Command {
  const { help } = face
  const program = baseProgram(face)
  const json = (): Option => new Option('--json', help.json)
  program
    .command('start')
    .description(help.start)
    .action(() => carry(async (context) => (await import('./commands/start.ts')).start(context)))
  program
    .command('investigate')
    .argument('<question>', help.question)
    .description(help.investigate)
    .requiredOption('--source <path>', help.source)
    .option('--out <file>', help.out)
    .addOption(json())
    .action((question: string, options: InvestigateOptions) =>
      carry(async (context) => (await import('./commands/investigate.ts')).investigate(question, options, context)),
    )
  program
    .command('demo')
    .description(help.demo)
    .addOption(json())
    .action((options: OutputOptions) => carry(async (context) => (await import('./commands/demo.ts')).demo(options, context)))
  addReadingCommands(program, { help, json }, carry)
  addAuditCommands(program, { language: face.language, json, carry })
  addApiKeyCommands(program, { language: face.language, json, carry })
  addMaintenanceCommands(program, { help, json }, carry)
  return program
}

interface Words {
  readonly help: HelpTexts
  readonly json: () => Option
}

function addReadingCommands(program: Command, { help, json }: Words, carry: Carry): void {
  program
    .command('list')
    .description(help.list)
    .addOption(new Option('--limit <count>', help.limit).argParser(toLimit).default(DEFAULT_LIMIT, ''))
    .addOption(json())
    .action((options: OutputOptions & { limit: number }) =>
      carry(async (context) => (await import('./commands/look-up.ts')).list(options, context)),
    )
  program
    .command('show')
    .argument('<id>', help.id)
    .description(help.show)
    .addOption(json())
    .action((id: string, options: OutputOptions) =>
      carry(async (context) => (await import('./commands/look-up.ts')).show(id, options, context)),
    )
}

function addMaintenanceCommands(program: Command, { help, json }: Words, carry: Carry): void {
  program
    .command('migrate')
    .description(help.migrate)
    .addOption(json())
    .action((options: OutputOptions) => carry(async (context) => (await import('./commands/migrate.ts')).migrateDatabase(options, context)))
  program
    .command('doctor')
    .description(help.doctor)
    .addOption(json())
    .action((options: OutputOptions) => carry(async (context) => (await import('./commands/doctor.ts')).doctor(options, context)))
  program
    .command('config')
    .description(help.config)
    .addOption(json())
    .action((options: OutputOptions) => carry(async (context) => (await import('./commands/config.ts')).showConfig(options, context)))
}

/** What all commands share: the language, the version, and one line for whoever mistyped. */
function baseProgram({ terminal, help }: { readonly terminal: Terminal; readonly help: HelpTexts }): Command {
  return new Command('cidadao')
    .description(help.program)
    .version(VERSION.version, '-V, --version', help.version)
    .helpOption('-h, --help', help.help)
    .helpCommand('help [command]', help.help)
    .addOption(new Option('--lang <language>', help.lang).choices(LANGUAGES))
    .exitOverride()
    .configureHelp({ styleTitle: (title) => help.titles[title] ?? title, optionDescription: ({ description }) => description })
    .configureOutput({
      writeOut: (text) => terminal.out(text.trimEnd()),
      writeErr: (text) => terminal.err(text.trimEnd()),
      outputError: (text, write) => write(`cidadao: ${toOneLine(text)}; "cidadao --help" says what there is`),
    })
}

function toOneLine(refusal: string): string {
  return refusal
    .replace(/^error: /, '')
    .trim()
    .replace(/\.$/, '')
    .replaceAll(/\s*\n\s*/g, ' ')
}

const DEFAULT_LIMIT = 20
const LARGEST_LIMIT = 500

function toLimit(text: string): number {
  const limit = Number(text)
  if (/^\d+$/.test(text) && limit >= 1 && limit <= LARGEST_LIMIT) return limit
  throw new InvalidArgumentError(`It must be a whole number from 1 to ${LARGEST_LIMIT}`)
}
