import { cpus, totalmem } from 'node:os'
import { benchTable, type BenchRow } from '@cidadao/workspace/bench-report'

/** One benchmark's outcome. */
export interface BenchResult {
  readonly file: string
  readonly rows: readonly BenchRow[]
}

/** `docs/performance.md`: what was measured, on what, and the command that measures it again. */
export function performancePage(results: readonly BenchResult[], date: Date): string {
  const [cpu] = cpus()
  const machine = `${cpus().length} × ${cpu?.model.trim() ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB`
  const sections = results.map(
    ({ file, rows }) => `## ${file}\n\n\`node --conditions=@cidadao/source ${file}\`\n\n\`\`\`\n${benchTable(rows)}\n\`\`\``,
  )
  return `# Figures

Made by \`npm run bench\` on ${date.toISOString().slice(0, 10)}: ${machine}, Node ${process.versions.node}, ${process.platform}. One run on a shared machine: compare ratios, not absolute times; a ratio is against the baseline of the same run.

${sections.join('\n\n')}
`
}
