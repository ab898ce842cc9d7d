import { availableParallelism } from 'node:os'
import { milliseconds, wholeNumber } from '../rules/number-rules.ts'
import { defineSection, type Section } from '../section.ts'
import { variable } from '../variable.ts'

export interface AgentPoolConfig {
  /** Worker threads for agents that need a processor of their own. */
  readonly threads: number
  /** Runs that may wait; further ones are refused. */
  readonly queueLimit: number
  readonly runTimeoutMs: number
}

const MOST_THREADS = 1_024

export const agentPoolSection: Section<AgentPoolConfig> = defineSection({
  name: 'agentPool',
  title: 'Agent pool',
  variables: {
    CIDADAO_AGENT_THREADS: variable(wholeNumber({ min: 1, max: MOST_THREADS }), {
      field: 'agentPool.threads',
      default: { doc: 'available processors', compute: () => String(Math.min(availableParallelism(), MOST_THREADS)) },
      presets: { test: '2' },
      doc: 'Worker threads of a process.',
    }),
    CIDADAO_AGENT_QUEUE_LIMIT: variable(wholeNumber({ min: 1, max: 1_000_000 }), {
      field: 'agentPool.queueLimit',
      default: '1000',
      doc: 'Runs that may wait for an agent; further ones are refused.',
    }),
    CIDADAO_AGENT_RUN_TIMEOUT_MS: variable(milliseconds({ min: 1, max: 86_400_000 }), {
      field: 'agentPool.runTimeoutMs',
      default: '300000',
      doc: 'Longest time of one run of an agent.',
    }),
  },
  build: (values) => ({
    threads: values.CIDADAO_AGENT_THREADS,
    queueLimit: values.CIDADAO_AGENT_QUEUE_LIMIT,
    runTimeoutMs: values.CIDADAO_AGENT_RUN_TIMEOUT_MS,
  }),
})
