import { runSeeds } from './run-seeds.ts'

process.exitCode = await runSeeds(process.argv.slice(2), (line) => void process.stdout.write(`${line}\n`))
