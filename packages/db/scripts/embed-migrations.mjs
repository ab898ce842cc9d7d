/**
 * Writes prisma/migrations into src/generated/migrations.ts, so that the migrations travel inside the code: they are
 * found from source, from dist, and from an application that bundles this package.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const packageFolder = join(import.meta.dirname, '..')
const migrationsFolder = join(packageFolder, 'prisma', 'migrations')
const generatedFolder = join(packageFolder, 'src', 'generated')

const migrations = readdirSync(migrationsFolder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name)
  .sort()
  .map((name) => {
    const bytes = readFileSync(join(migrationsFolder, name, 'migration.sql'))
    const sql = bytes.toString('utf8')
    // The checksum is of the bytes: text that does not turn back into them would be refused as edited.
    if (!Buffer.from(sql, 'utf8').equals(bytes)) throw new Error(`${name}/migration.sql is not valid UTF-8`)
    if (sql.includes('\r')) throw new Error(`${name}/migration.sql must have LF line ends`)
    return { name, sql }
  })

mkdirSync(generatedFolder, { recursive: true })
writeFileSync(
  join(generatedFolder, 'migrations.ts'),
  [
    '/** Generated from prisma/migrations. Do not edit. */',
    `export const MIGRATIONS: readonly { readonly name: string; readonly sql: string }[] = ${JSON.stringify(migrations, null, 2)}`,
    '',
  ].join('\n'),
)
