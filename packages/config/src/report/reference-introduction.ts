/** The part of the reference that is prose; the tables below it are made of the variables. */
export const REFERENCE_INTRODUCTION = `
<!-- Generated from packages/config by \`npx nx run config:write-docs\`. A test fails when it is out of step. -->

# Configuration

Everything is set by environment variables, read once at the start and only by \`packages/config\`. Without any, the
system runs on an embedded PostgreSQL and without Redis. \`cidadao config\` prints what is in force, with sources and
without secrets.

## How a value is found

The strongest first: command line, environment, \`.env\` in the working directory (the notation of Node's
\`--env-file\`: quote a value that has a \`#\` in it), preset, default.

- An empty value is an error: remove the variable to leave it unset. A number is digits only, with a decimal point in
  \`CONNECTION_RETRY_DELAY\`: no spaces, sign, exponent or unit.
- All errors come in one report, each with the variable, the rule and the value received; secrets are shown as \`***\`.
- Where the table says \`…_FILE\`, the variable with that suffix names a file with the value, as container secrets do; one
  line break at its end is dropped. Setting both is an error.
- A variable that starts with \`CIDADAO_\` and is not listed here gives a warning with the nearest name.
- Durations in the fields are milliseconds. The variables of the original have seconds, ours say \`_MS\`.

## Presets

\`CIDADAO_PRESET\`, else \`NODE_ENV\`, is one of \`development\` (the default), \`test\` and \`production\`; another name is an
error. A preset changes defaults only: every value of it gives way to its variable. A column is empty where the preset
keeps the default.

The production values of the pool, the timeouts, the cache times and the retries are those of the original's
\`PRODUCTION_CONFIG\`, kept so that whoever comes from there finds what they had. They are not faster, and none of them
rests on a measurement:

- **50 + 50 connections** are 100 for each process. PostgreSQL's default of 100 connections, 3 of them reserved, does not
  carry even one such process. At the start the pools of all processes (\`CIDADAO_DB_PROCESSES\`) are held against
  \`max_connections\`. For several processes lower the pool, or put a bouncer between.
- **60 s** for a connection and for a statement mean that an overloaded system queues twice as long before it says so.
  Where callers give up earlier, set \`DATABASE_POOL_TIMEOUT\` and \`QUERY_TIMEOUT\` below their patience.
- **Doubled cache times** mean data up to twice as old. Set \`CACHE_TTL_SHORT\`, \`CACHE_TTL_MEDIUM\` and \`CACHE_TTL_LONG\` to
  300, 3600 and 86400 for the original's ordinary ones, or to what was measured.
`
