import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { deploymentFiles } from '../src/deployment/deployment-files.ts'

/** Writes what Prometheus, Alertmanager and Grafana read. */
const FOLDER = join(import.meta.dirname, '../../../docker')

for (const [path, text] of deploymentFiles()) {
  mkdirSync(dirname(join(FOLDER, path)), { recursive: true })
  writeFileSync(join(FOLDER, path), text)
}
