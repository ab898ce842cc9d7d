import { resolve } from 'node:path'
import { milliseconds, wholeNumber } from '../rules/number-rules.ts'
import { matching, oneOf, path } from '../rules/text-rules.ts'
import { defineSection, type Section } from '../section.ts'
import { optionalVariable, variable } from '../variable.ts'

/** What carries out investigations: this process alone, or any number of processes by jobs in PostgreSQL. */
export const ENGINES = ['inline', 'pg-boss'] as const
export type EngineName = (typeof ENGINES)[number]

/** What a process does with the durable engine: everything, only take requests, or only carry out steps. */
export const ROLES = ['all', 'api', 'worker'] as const
export type Role = (typeof ROLES)[number]

export interface OrchestratorConfig {
  readonly engine: EngineName
  readonly role: Role
  /** Agents whose steps this process carries out; absent: all. */
  readonly workerAgents?: readonly string[]
  /** Investigations that a process works on at once; others wait. */
  readonly maxConcurrentInvestigations: number
  readonly investigationTimeoutMs: number
  /** Absolute path of the folder that sources named in requests must lie in; absent: requests cannot name files. */
  readonly dataSourceRoot?: string
}

export const orchestratorSection: Section<OrchestratorConfig> = defineSection({
  name: 'orchestrator',
  title: 'Investigations',
  variables: {
    ORCHESTRATOR_ENGINE: variable(oneOf(ENGINES), {
      field: 'orchestrator.engine',
      default: 'inline',
      doc: 'What `cidadao start` carries out investigations with: `inline` does so in its own process, `pg-boss` by jobs that any number of processes share.',
    }),
    ORCHESTRATOR_ROLE: variable(oneOf(ROLES), {
      field: 'orchestrator.role',
      default: 'all',
      doc: 'What a process does with `pg-boss`: all of it, only submitting and cancelling, or only steps.',
    }),
    ORCHESTRATOR_AGENTS: optionalVariable(matching('names of agents with commas between', /^[a-z][\w-]*(?:,[a-z][\w-]*)*$/), {
      field: 'orchestrator.workerAgents',
      unset: 'all',
      doc: 'Agents whose steps this process carries out with `pg-boss`.',
    }),
    CIDADAO_MAX_CONCURRENT_INVESTIGATIONS: variable(wholeNumber({ min: 1, max: 10_000 }), {
      field: 'orchestrator.maxConcurrentInvestigations',
      default: '4',
      doc: 'Investigations that a process works on at once.',
    }),
    CIDADAO_INVESTIGATION_TIMEOUT_MS: variable(milliseconds({ min: 1_000, max: 604_800_000 }), {
      field: 'orchestrator.investigationTimeoutMs',
      default: '1800000',
      doc: 'Longest time of one investigation.',
    }),
    CIDADAO_DATA_SOURCE_ROOT: optionalVariable(path, {
      field: 'orchestrator.dataSourceRoot',
      unset: 'none',
      doc: 'Folder of the files that a request may name as its source; relative to the working directory.',
    }),
  },
  build: (values, { cwd }) => ({
    engine: values.ORCHESTRATOR_ENGINE,
    role: values.ORCHESTRATOR_ROLE,
    ...(values.ORCHESTRATOR_AGENTS === undefined ? {} : { workerAgents: values.ORCHESTRATOR_AGENTS.split(',') }),
    maxConcurrentInvestigations: values.CIDADAO_MAX_CONCURRENT_INVESTIGATIONS,
    investigationTimeoutMs: values.CIDADAO_INVESTIGATION_TIMEOUT_MS,
    ...(values.CIDADAO_DATA_SOURCE_ROOT === undefined ? {} : { dataSourceRoot: resolve(cwd, values.CIDADAO_DATA_SOURCE_ROOT) }),
  }),
})
