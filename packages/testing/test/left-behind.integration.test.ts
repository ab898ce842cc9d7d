import { existsSync } from 'node:fs'
import { identifyProcess, isPortFree } from '@cidadao/postgres-server'
import { describe, expect, it } from 'vitest'
import { eventually } from '../src/index.ts'
import { startNestedRun } from './nested-run.ts'

interface HangReport {
  readonly pids: readonly number[]
  readonly ports: readonly number[]
  readonly folder: string
  readonly worker: number
}

interface FactsReport {
  readonly postgres: { readonly url: string; readonly runId: string }
  readonly redis: { readonly url: string }
  readonly cluster: { readonly nodes: readonly { readonly port: number }[] }
}

describe('a test run', () => {
  it('leaves no server and no folder behind when it is killed by SIGKILL, paused servers included', async () => {
    const run = await startNestedRun('hang')
    const { pids, ports, folder, worker } = await run.report<HangReport>()
    expect(pids).toHaveLength(8)
    expect(pids.filter((pid) => identifyProcess(pid) === undefined)).toEqual([])
    expect(existsSync(folder)).toBe(true)
    run.process.kill('SIGKILL')
    await run.ended
    await eventually(
      async () => {
        expect([...pids, worker].filter((pid) => identifyProcess(pid) !== undefined)).toEqual([])
        expect(existsSync(folder)).toBe(false)
        for (const port of ports) expect(await isPortFree(port)).toBe(true)
      },
      { deadlineMs: 20_000 },
    )
  })

  it('does not meet another one at the same time', async () => {
    const runs = await Promise.all([startNestedRun('report'), startNestedRun('report')])
    const [one, two] = await Promise.all(runs.map((run) => run.report<FactsReport>()))
    const outcomes = await Promise.all(runs.map((run) => run.ended))
    expect(outcomes.map((outcome) => outcome.exitCode)).toEqual([0, 0])
    const portsOf = (report: FactsReport | undefined): number[] => [
      Number(new URL(report?.postgres.url ?? '').port),
      Number(new URL(report?.redis.url ?? '').port),
      ...(report?.cluster.nodes.map((node) => node.port) ?? []),
    ]
    const ports = [...portsOf(one), ...portsOf(two)]
    expect(new Set(ports).size).toBe(16)
    expect(one?.postgres.runId).not.toBe(two?.postgres.runId)
    for (const port of ports) expect(await isPortFree(port)).toBe(true)
  })
})
