// A process of its own, started by container-reaper.ts: waits for its standard input to end, which it does with the
// test run however that ends, and then removes the containers that carry the label given as its argument.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { getContainerRuntimeClient } from 'testcontainers'

const [label = ''] = process.argv.slice(2)
/** A container that was just being made when the run died appears a little later. */
const ROUNDS = 5
const PAUSE_MS = 1_000

process.stdin.resume()
await once(process.stdin, 'end')
const { container } = await getContainerRuntimeClient()
for (let round = 0; round < ROUNDS; round += 1) {
  const left = await container.dockerode.listContainers({ all: true, filters: { label: [label] } })
  await Promise.all(left.map(({ Id }) => container.getById(Id).remove({ force: true, v: true })))
  await sleep(PAUSE_MS)
}
