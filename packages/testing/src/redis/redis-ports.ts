import { randomInt } from 'node:crypto'
import { isPortFree } from '@cidadao/postgres-server'
import { BUS_OFFSET } from './cluster-nodes-file.ts'

/**
 * Below the range from which systems take the ports of outgoing connections, and so are the buses: nobody is given
 * such a port by accident. Another run may still choose the same one, so users retry.
 */
const FIRST_PORT = 11_000
const LAST_PORT = 22_000

/** Different ports, free a moment ago, each with a free bus port above it. */
export async function chooseRedisPorts(count: number): Promise<number[]> {
  const chosen = new Set<number>()
  while (chosen.size < count) {
    const port = randomInt(FIRST_PORT, LAST_PORT + 1)
    if (!chosen.has(port) && (await isPortFree(port)) && (await isPortFree(port + BUS_OFFSET))) chosen.add(port)
  }
  return [...chosen]
}
