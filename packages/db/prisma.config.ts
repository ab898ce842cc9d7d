import { defineConfig } from 'prisma/config'

/** Only the `migrate` family of commands reads the address; `generate`, `validate` and `format` need none. */
const url = process.env.DATABASE_URL

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  ...(url === undefined ? {} : { datasource: { url } }),
})
