import { systemClock } from '@cidadao/contracts'
import { CommanderError } from 'commander'
import { errorLines, EXIT_CODES, exitCodeOf } from './cli/exit-codes.ts'
import { runProgram } from './cli/program.ts'
import { stopOnSignals } from './cli/signals.ts'
import { systemTerminal } from './cli/output/terminal.ts'

const terminal = systemTerminal()
const signal = stopOnSignals(process, { force: () => process.exit(EXIT_CODES.failure), nowMs: () => systemClock.monotonicMs() })
try {
  process.exitCode = await runProgram(process.argv.slice(2), terminal, signal)
} catch (thrown) {
  // Commander has already said what it had to say.
  if (!(thrown instanceof CommanderError)) terminal.err(`cidadao: ${errorLines(thrown)}`)
  process.exitCode = exitCodeOf(thrown)
}
