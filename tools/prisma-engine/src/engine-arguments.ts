import { parseArgs } from 'node:util'

/** What Prisma's command line asks of an engine besides its conversation on standard input. */
export const DATABASE_COMMANDS = ['can-connect-to-database', 'create-database', 'drop-database'] as const
export type DatabaseCommand = (typeof DATABASE_COMMANDS)[number]

export type EngineArguments =
  | { readonly mode: 'conversation'; readonly datasource: Datasource; readonly datamodels: readonly string[] }
  | { readonly mode: 'command'; readonly datasource: Datasource; readonly command: DatabaseCommand }

export interface Datasource {
  /** `null` for commands on files alone, as Prisma's configuration then names no database. */
  readonly url: string | null
  readonly shadowDatabaseUrl: string | null
}

/** @throws TypeError for what the native engine would not understand either */
export function parseEngineArguments(argv: readonly string[]): EngineArguments {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      datamodels: { type: 'string', short: 'd', multiple: true, default: [] },
      datasource: { type: 'string' },
      // Both are in the schema or of no use here, but must not be taken for positionals.
      'enabled-preview-features': { type: 'string' },
      'extension-types': { type: 'string' },
    },
  })
  const datasource = parseDatasource(values.datasource)
  const [group, name, ...rest] = positionals
  if (group === undefined) return { mode: 'conversation', datasource, datamodels: values.datamodels }
  const command = DATABASE_COMMANDS.find((known) => known === name)
  if (group !== 'cli' || command === undefined || rest.length > 0) {
    throw new TypeError(
      `arguments: nothing or "cli" with one of ${DATABASE_COMMANDS.join(', ')} is required, not "${positionals.join(' ')}"`,
    )
  }
  return { mode: 'command', datasource, command }
}

function parseDatasource(text: string | undefined): Datasource {
  const given = text === undefined ? {} : (JSON.parse(text) as Partial<Record<keyof Datasource, unknown>>)
  return { url: textOrNull(given.url), shadowDatabaseUrl: textOrNull(given.shadowDatabaseUrl) }
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
