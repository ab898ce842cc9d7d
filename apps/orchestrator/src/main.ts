import { errorLines, exitCodeOf } from './cli/exit-codes.ts'
import { runProgram } from './cli/program.ts'
import { systemTerminal } from './cli/terminal.ts'
import { CommanderError } from 'commander'

const stopping = new AbortController()
for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    // The first asks for an orderly end; a second one means it.
    if (stopping.signal.aborted) process.exit(1)
    stopping.abort(new Error(`received ${name}`))
  })
}

const terminal = systemTerminal()
try {
  process.exitCode = await runProgram(process.argv.slice(2), terminal, stopping.signal)
} catch (thrown) {
  // Commander has already said what it had to say.
  if (!(thrown instanceof CommanderError)) terminal.err(`cidadao: ${errorLines(thrown)}`)
  process.exitCode = exitCodeOf(thrown)
}
