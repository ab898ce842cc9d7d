import { Command, InvalidArgumentError, Option } from 'commander'
import { LANGUAGES, type Language } from '../plan/question.ts'
import { VERSION } from '../version.ts'
import { toContext, type CommandContext, type GlobalOptions } from './command-context.ts'
import { demo } from './commands/demo.ts'
import { doctor } from './commands/doctor.ts'
import { investigate, type InvestigateOptions } from './commands/investigate.ts'
import { list, show, type OutputOptions } from './commands/look-up.ts'
import { auditVerify, migrateDatabase, showConfig } from './commands/maintain.ts'
import { start } from './commands/start.ts'
import { EXIT_CODES, type ExitCode } from './exit-codes.ts'
import type { Terminal } from './terminal.ts'

/** Runs one call of `cidadao` and resolves to its exit code; rejects with what went wrong. */
export async function runProgram(args: readonly string[], terminal: Terminal, signal: AbortSignal): Promise<ExitCode> {
  let exitCode: ExitCode = EXIT_CODES.success
  const program = buildProgram(terminal, (work) => async () => {
    exitCode = await work(toContext(terminal, signal, program.opts<GlobalOptions>()))
  })
  await program.parseAsync(args, { from: 'user' })
  return exitCode
}

type Carry = (work: (context: CommandContext) => Promise<ExitCode> | ExitCode) => () => Promise<void>

function buildProgram(terminal: Terminal, carry: Carry): Command {
  const program = new Command('cidadao')
    .description('Investigates public spending: durable, provable, to the digit.')
    .version(VERSION.version)
    .addOption(new Option('--lang <language>', 'language of the output').choices(LANGUAGES satisfies readonly Language[]))
    .exitOverride()
    .configureOutput({ writeOut: (text) => terminal.out(text.trimEnd()), writeErr: (text) => terminal.err(text.trimEnd()) })
  const json = (): Option => new Option('--json', 'one JSON document on standard output, nothing else')
  program
    .command('start')
    .description('start the orchestrator and its HTTP API')
    .action(() => carry(start)())
  program
    .command('investigate <question>')
    .description('run one investigation to the end')
    .requiredOption('--source <path>', 'ZIP, folder or CSV file of the Portal da Transparência')
    .option('--out <file>', 'also write the JSON document to a file')
    .addOption(json())
    .action((question: string, options: InvestigateOptions) => carry((context) => investigate(question, options, context))())
  program
    .command('demo')
    .description('run one investigation on generated, synthetic contracts')
    .addOption(json())
    .action((options: OutputOptions) => carry((context) => demo(options, context))())
  program
    .command('list')
    .description('the newest investigations')
    .option('--limit <count>', 'how many, 1 to 500', toLimit, 20)
    .addOption(json())
    .action((options: OutputOptions & { limit: number }) => carry((context) => list(options, context))())
  program
    .command('show <id>')
    .description('one investigation with its findings')
    .addOption(json())
    .action((id: string, options: OutputOptions) => carry((context) => show(id, options, context))())
  program
    .command('audit')
    .description('the tamper-evident log')
    .command('verify')
    .description('recompute the whole log and say whether it holds')
    .addOption(json())
    .action((options: OutputOptions) => carry((context) => auditVerify(options, context))())
  program
    .command('migrate')
    .description('bring the schema of the database up to date')
    .addOption(json())
    .action((options: OutputOptions) => carry((context) => migrateDatabase(options, context))())
  program
    .command('doctor')
    .description('check this machine and the services, with the mend for each fault')
    .addOption(json())
    .action((options: OutputOptions) => carry((context) => doctor(options, context))())
  program
    .command('config')
    .description('the configuration in force, secrets hidden')
    .addOption(json())
    .action((options: OutputOptions) => carry((context) => showConfig(options, context))())
  return program
}

function toLimit(text: string): number {
  const limit = Number(text)
  if (Number.isInteger(limit) && limit >= 1 && limit <= 500) return limit
  throw new InvalidArgumentError(`must be a whole number from 1 to 500, got ${text}`)
}
