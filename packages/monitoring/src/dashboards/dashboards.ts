import type { JsonObject } from '@cidadao/contracts'
import { OBJECTIVES } from '../slo/objectives.ts'
import { errorRatio } from '../slo/rules.ts'
import { gauge, quantiles, rate, toGrafana, type Dashboard, type Panel } from './dashboard.ts'
import { AGENTS, CACHE, DATABASE, PROCESS, TRUST } from './part-dashboards.ts'

/** What is left of the budget of 30 days, reckoned from the last three: 1 is all, below 0 it is used up. */
const objectivePanels: readonly Panel[] = OBJECTIVES.map(({ name, promise }) => ({
  title: name,
  about: promise,
  unit: 'percentunit',
  queries: [
    { expr: `${errorRatio('1h')}{slo="${name}"}`, legend: 'bad, 1 h' },
    { expr: `${errorRatio('3d')}{slo="${name}"}`, legend: 'bad, 3 d' },
    { expr: `slo:error_budget:ratio{slo="${name}"}`, legend: 'allowed' },
  ],
}))

const OBJECTIVES_BOARD: Dashboard = { uid: 'cidadao-objectives', title: 'Cidadão.AI · objectives', panels: objectivePanels }

const INVESTIGATIONS: Dashboard = {
  uid: 'cidadao-investigations',
  title: 'Cidadão.AI · investigations',
  panels: [
    {
      title: 'Investigations by status',
      about: 'In the database, counted once a minute.',
      unit: 'short',
      queries: [gauge('investigations', 'status', 'max')],
      look: 'number',
    },
    {
      title: 'Changes of status',
      about: 'Counted when they are committed.',
      unit: 'ops',
      queries: [rate('investigations_transitions_total', 'from, to')],
    },
    {
      title: 'Duration',
      about: 'From the submission to the final status.',
      unit: 's',
      queries: quantiles('investigation_duration_seconds'),
    },
    {
      title: 'Indications by rule',
      about: 'Findings that deserve a look, not proof of anything.',
      unit: 'ops',
      queries: [rate('investigation_anomalies_total', 'rule')],
    },
    {
      title: 'Requests',
      about: 'By route and answer.',
      unit: 'reqps',
      queries: [rate('http_server_request_duration_seconds_count', 'http_route, http_response_status_code')],
    },
    {
      title: 'Duration of requests',
      about: 'By route.',
      unit: 's',
      queries: quantiles('http_server_request_duration_seconds', 'http_route'),
    },
  ],
}

/** All dashboards, as Grafana reads them. */
export function dashboards(): readonly { readonly uid: string; readonly json: JsonObject }[] {
  return [OBJECTIVES_BOARD, INVESTIGATIONS, DATABASE, CACHE, AGENTS, TRUST, PROCESS].map((board) => ({
    uid: board.uid,
    json: toGrafana(board),
  }))
}
