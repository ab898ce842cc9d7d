import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createAgentPool, defineAgent, defineThreadAgent, siblingModule, type AgentPoolSettings } from './index.ts'
import { resolveRunOptions } from './run-options.ts'
import { workerExecArgv } from './workers/exec-argv.ts'

/** Among others. */
const factsOf = (facts: object): unknown => expect.objectContaining(facts)

const contract = { name: 'sums', version: '1', input: z.string(), output: z.string() }
const agent = defineAgent({ ...contract, run: (text) => text })

describe('defineAgent', () => {
  it('completes and freezes the definition', () => {
    expect(agent).toMatchObject({ isolation: 'inline', description: '', deterministic: false, idempotent: false })
    expect(Object.isFrozen(agent)).toBe(true)
  })

  const broken = [
    { field: 'name', parts: { name: 'Has Spaces' } },
    { field: 'version', parts: { version: '' } },
    { field: 'input', parts: { input: {} } },
    { field: 'output', parts: { output: null } },
    { field: 'slots', parts: { slots: 0 } },
    { field: 'queueLimit', parts: { queueLimit: -1 } },
    { field: 'runTimeoutMs', parts: { runTimeoutMs: Number.NaN } },
    { field: 'run', parts: { run: 'not a function' } },
  ]
  for (const { field, parts } of broken) {
    it(`refuses a bad ${field} and names it`, () => {
      const define = () => defineAgent({ ...contract, run: (text: string) => text, ...parts } as never)
      expect(define).toThrow(expect.objectContaining({ code: 'AGENT_POOL_DEFINITION_INVALID', facts: factsOf({ field }) }))
    })
  }
})

describe('defineThreadAgent', () => {
  it('is a reference: where the code is and what it is called', () => {
    const reference = defineThreadAgent({ ...contract, module: new URL('file:///x/sums.js') })
    expect(reference).toMatchObject({ isolation: 'thread', module: 'file:///x/sums.js', exportName: 'agent' })
  })

  it('refuses a module that is not a file', () => {
    const define = () => defineThreadAgent({ ...contract, module: new URL('https://example.org/sums.js') })
    expect(define).toThrow(expect.objectContaining({ facts: factsOf({ field: 'module' }) }))
  })
})

describe('options of a pool', () => {
  const cases: readonly { readonly field: string; readonly settings: AgentPoolSettings }[] = [
    { field: 'threads', settings: { threads: 0 } },
    { field: 'queueLimit', settings: { queueLimit: 1.5 } },
    { field: 'runTimeoutMs', settings: { runTimeoutMs: Number.POSITIVE_INFINITY } },
    { field: 'cancelGraceMs', settings: { cancelGraceMs: -1 } },
    { field: 'crashIntensity.crashes', settings: { crashIntensity: { crashes: 0, withinMs: 1 } } },
    { field: 'circuitBackoff.maxMs', settings: { circuitBackoff: { initialMs: 10, maxMs: 5 } } },
  ]
  for (const { field, settings } of cases) {
    it(`names ${field}, its rule and the value received`, () => {
      const create = () => createAgentPool({ agents: [agent], ...settings })
      expect(create).toThrow(expect.objectContaining({ code: 'AGENT_POOL_OPTIONS_INVALID', facts: factsOf({ field }) }))
      expect(create).toThrow(/must be a whole number ≥ \d+, got /)
    })
  }

  it('takes an explicit undefined for the default', () => {
    expect(createAgentPool({ agents: [agent], inlineSlots: undefined as unknown as number }).agents()[0]?.slots).toBe(16)
  })

  it('needs agents, with unique names', () => {
    expect(() => createAgentPool({ agents: [] })).toThrow('at least one agent')
    expect(() => createAgentPool({ agents: [agent, agent] })).toThrow('unique names')
  })
})

describe('options of a run', () => {
  const defaults = { runTimeoutMs: 100, queueTimeoutMs: 100 }
  it('may shorten the agent’s timeout and not lengthen it', () => {
    expect(resolveRunOptions({ timeoutMs: 10 }, defaults).timeoutMs).toBe(10)
    expect(resolveRunOptions({ timeoutMs: 1_000 }, defaults).timeoutMs).toBe(100)
  })

  it('are refused where impossible', () => {
    for (const options of [{ priority: 'urgent' }, { deadline: new Date('x') }, { timeoutMs: 0 }, { cost: 0.5 }]) {
      expect(() => resolveRunOptions(options as never, defaults)).toThrow(expect.objectContaining({ code: 'AGENT_POOL_OPTIONS_INVALID' }))
    }
  })
})

describe('where threads find their code', () => {
  it('is beside the asking module, with its extension', () => {
    expect(siblingModule('file:///app/src/main.ts', './a.agent').href).toBe('file:///app/src/a.agent.ts')
    expect(siblingModule('file:///app/dist/main.cjs?x=1', './a.agent').href).toBe('file:///app/dist/a.agent.cjs')
    expect(siblingModule('file:///app/dist/chunk-1.js', './agents/a').href).toBe('file:///app/dist/agents/a.js')
  })

  it('needs the source condition from source only, and passes on how the process loads modules', () => {
    const source = new URL('file:///p/src/worker.ts')
    expect(workerExecArgv(new URL('file:///p/dist/worker.js'), [])).toBeUndefined()
    expect(workerExecArgv(source, ['--conditions=@cidadao/source'])).toBeUndefined()
    expect(workerExecArgv(source, ['-C', '@cidadao/source'])).toBeUndefined()
    expect(workerExecArgv(source, ['--max-old-space-size=99', '--import', './hook.js', '--enable-source-maps'])).toEqual([
      '--import',
      './hook.js',
      '--enable-source-maps',
      '--conditions=@cidadao/source',
    ])
  })
})
