import { expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { createAgentPool, defineAgent, defineThreadAgent, type AgentPool } from './index.ts'

const years = { name: 'years', version: '1', input: z.string().transform((text) => new Date(text)), output: z.number() }
const lengths = defineAgent({ name: 'lengths', version: '1', input: z.string(), output: z.number(), run: (text) => text.length })
const pool = createAgentPool({ agents: [lengths, defineThreadAgent({ ...years, name: 'years', module: new URL('file:///x.js') })] })

test('run knows the agents by name, with what they take and give', () => {
  expectTypeOf(pool.run('lengths', 'text')).resolves.toEqualTypeOf<number>()
  // @ts-expect-error -- a number is no input of it
  void pool.run('lengths', 5)
  // @ts-expect-error -- no agent of that name
  void pool.run('length', 'text')
})

test('an agent gets the parsed input and may return what its output schema accepts', () => {
  defineAgent({ ...years, run: (date) => date.getUTCFullYear() })
  // @ts-expect-error -- not a number
  defineAgent({ ...years, run: (date) => date.toISOString() })
})

test('a pool of known agents is a pool of any', () => {
  expectTypeOf(pool).toExtend<AgentPool>()
})
