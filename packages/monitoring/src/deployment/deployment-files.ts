import type { JsonObject } from '@cidadao/contracts'
import { dashboards } from '../dashboards/dashboards.ts'
import { objectiveRuleTests } from '../slo/rule-tests.ts'
import { objectiveGroups, type RuleGroup } from '../slo/rules.ts'
import { symptomGroup } from '../slo/symptom-rules.ts'
import { toYaml } from './to-yaml.ts'

const HEADER = '# Generated from packages/monitoring by `npx nx run monitoring:write-deployment`. A test fails when it is out of step.\n'

/** What Prometheus, Alertmanager and Grafana read, by path below `docker/`. */
export function deploymentFiles(): ReadonlyMap<string, string> {
  return new Map([
    ['prometheus/prometheus.yaml', yaml(PROMETHEUS)],
    ['prometheus/rules/objectives.yaml', ruleFile(objectiveGroups())],
    ['prometheus/rules/symptoms.yaml', ruleFile([symptomGroup()])],
    ['prometheus/tests/objectives.yaml', yaml(objectiveRuleTests(['../rules/objectives.yaml']))],
    ['alertmanager/alertmanager.yaml', yaml(ALERTMANAGER)],
    ['grafana/provisioning/datasources/prometheus.yaml', yaml(DATASOURCES)],
    ['grafana/provisioning/dashboards/cidadao.yaml', yaml(DASHBOARD_PROVIDER)],
    ...dashboards().map(({ uid, json }) => [`grafana/dashboards/${uid}.json`, `${JSON.stringify(json, null, 2)}\n`] as const),
  ])
}

export function ruleFile(groups: readonly RuleGroup[]): string {
  return yaml({ groups: groups as unknown as JsonObject[] })
}

function yaml(document: JsonObject): string {
  return HEADER + toYaml(document)
}

const PROMETHEUS: JsonObject = {
  global: { scrape_interval: '15s', evaluation_interval: '1m' },
  rule_files: ['rules/*.yaml'],
  alerting: { alertmanagers: [{ static_configs: [{ targets: ['alertmanager:9093'] }] }] },
  scrape_configs: [
    {
      job_name: 'cidadao',
      metrics_path: '/metrics',
      // A key with the role of an operator, from `cidadao api-key create`.
      authorization: { type: 'Bearer', credentials_file: '/run/secrets/cidadao-operator-key' },
      static_configs: [{ targets: ['orchestrator:8420'] }],
    },
  ],
}

/** Where messages go is everybody's own; without receivers of their own, both routes end here and are seen in its page. */
const ALERTMANAGER: JsonObject = {
  route: {
    receiver: 'tickets',
    group_by: ['alertname', 'slo'],
    group_wait: '30s',
    group_interval: '5m',
    repeat_interval: '12h',
    routes: [{ receiver: 'pages', matchers: ['severity="page"'], repeat_interval: '1h' }],
  },
  // A page about an objective says all that its ticket would.
  inhibit_rules: [{ source_matchers: ['severity="page"'], target_matchers: ['severity="ticket"'], equal: ['slo'] }],
  receivers: [{ name: 'pages' }, { name: 'tickets' }],
}

const DATASOURCES: JsonObject = {
  apiVersion: 1,
  datasources: [
    { name: 'Prometheus', uid: 'cidadao-prometheus', type: 'prometheus', access: 'proxy', url: 'http://prometheus:9090', isDefault: true },
  ],
}

const DASHBOARD_PROVIDER: JsonObject = {
  apiVersion: 1,
  providers: [{ name: 'cidadao', folder: 'Cidadão.AI', type: 'file', options: { path: '/etc/grafana/dashboards' } }],
}
