import { resolve } from 'node:path'
import { milliseconds, wholeNumber } from '../rules/number-rules.ts'
import { path } from '../rules/text-rules.ts'
import { defineSection, type Section } from '../section.ts'
import { optionalVariable, variable } from '../variable.ts'

export interface OrchestratorConfig {
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
    maxConcurrentInvestigations: values.CIDADAO_MAX_CONCURRENT_INVESTIGATIONS,
    investigationTimeoutMs: values.CIDADAO_INVESTIGATION_TIMEOUT_MS,
    ...(values.CIDADAO_DATA_SOURCE_ROOT === undefined ? {} : { dataSourceRoot: resolve(cwd, values.CIDADAO_DATA_SOURCE_ROOT) }),
  }),
})
