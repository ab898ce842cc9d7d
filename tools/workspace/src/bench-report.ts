/** What a benchmark has to say in one line. */
export interface BenchRow {
  readonly name: string
  /** The measurement for people, with its unit: `1.3 s of CPU`. */
  readonly figure: string
  /** Against the baseline of the same run; null where there is none. */
  readonly ratio: number | null
  /** What was asked for, as text: `≥ 0.8`; null where nothing was. */
  readonly goal: string | null
  /** Whether the goal is met; null where there is none. */
  readonly ok: boolean | null
}

/** A row whose goal is a bound on its ratio. */
export function ratioRow(
  name: string,
  figure: string,
  ratio: number,
  goal?: { readonly atLeast: number } | { readonly atMost: number },
): BenchRow {
  if (goal === undefined) return { name, figure, ratio, goal: null, ok: null }
  return 'atLeast' in goal
    ? { name, figure, ratio, goal: `≥ ${goal.atLeast}`, ok: ratio >= goal.atLeast }
    : { name, figure, ratio, goal: `≤ ${goal.atMost}`, ok: ratio <= goal.atMost }
}

/** A row whose goal is a bound on the measurement itself. */
export function boundRow(name: string, measured: { readonly value: number; readonly unit: string }, atMost?: number): BenchRow {
  const figure = `${round(measured.value)} ${measured.unit}`
  if (atMost === undefined) return { name, figure, ratio: null, goal: null, ok: null }
  return { name, figure, ratio: null, goal: `≤ ${atMost} ${measured.unit}`, ok: measured.value <= atMost }
}

/** Prints a table, or with `--json` among the arguments one object `{rows}`. */
export function reportBench(rows: readonly BenchRow[], args: readonly string[] = process.argv): void {
  process.stdout.write(args.includes('--json') ? `${JSON.stringify({ rows })}\n` : `${benchTable(rows)}\n`)
}

export function benchTable(rows: readonly BenchRow[]): string {
  const cells = rows.map((row) => [row.name, row.figure, row.ratio === null ? '' : round(row.ratio), row.goal ?? '', verdict(row)])
  const table = [['what', 'measured', 'ratio', 'goal', ''], ...cells]
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...table.map((row) => (row[column] ?? '').length)))
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function verdict({ ok }: BenchRow): string {
  if (ok === null) return ''
  return ok ? 'met' : 'MISSED'
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)))
}
