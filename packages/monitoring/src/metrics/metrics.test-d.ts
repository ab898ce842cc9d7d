import { createMetrics } from './create-metrics.ts'
import { createCatalogue } from '../catalogue/catalogue.ts'

const metrics = createMetrics()
const plain = metrics.counter({ name: 'plain_total', help: 'Plain.' })
const labelled = metrics.counter({ name: 'labelled_total', help: 'Labelled.', labels: { result: ['hit', 'miss'], route: { limit: 5 } } })

plain.add(1)
// @ts-expect-error a metric without labels takes none
plain.add(1, { result: 'hit' })
labelled.add(1, { result: 'hit', route: '/anything' })
// @ts-expect-error all labels are due
labelled.add(1, { result: 'hit' })
// @ts-expect-error all labels are due
labelled.add(1)
// @ts-expect-error a closed set is closed
labelled.add(1, { result: 'banana', route: '/' })
// @ts-expect-error a label that was not declared
labelled.add(1, { result: 'hit', route: '/', user: 'x' })

const breaker = metrics.stateSet({ name: 'breaker_state', help: 'State.', states: ['closed', 'open'] })
breaker.set('open')
// @ts-expect-error a state outside the set
breaker.set('ajar')

const catalogue = createCatalogue(metrics)
catalogue.audit.entries.add(1)
catalogue.cache.requests.add(1, { cache_name: 'x', cache_layer: 'redis', result: 'error' })
// @ts-expect-error a failure of a tier is an error, and there is no other word for it
catalogue.cache.requests.add(1, { cache_name: 'x', cache_layer: 'redis', result: 'failed' })
catalogue.resilience.breakerState.set('half-open', { name: 'db' })
