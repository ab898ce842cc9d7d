import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Runs `cidadao investigate` in this process and writes the CPU that it took, threads included, to a file. */
const [source = '', output = ''] = process.argv.slice(2)
process.argv = [process.argv[0] ?? '', 'cidadao', 'investigate', 'Analyze all contracts', '--source', source, '--json']
// The document is of no use here.
process.stdout.write = () => true
await import(join(import.meta.dirname, '../../../apps/orchestrator/src/main.ts'))
const { user, system } = process.cpuUsage()
await writeFile(output, JSON.stringify({ cpuSeconds: (user + system) / 1e6 }))
