import type { Redis } from 'ioredis'

const corked = new WeakSet<Redis['stream']>()

/**
 * What is sent to the server from here to the end of this turn of the event loop goes out as one write. That is what a
 * pipeline saves, without the cost of the client's own; each command still has its own reply and its own failure.
 */
export function corkForThisTurn(client: Redis): void {
  // There is none before the first connection.
  const stream = client.stream as Redis['stream'] | undefined
  if (stream === undefined || corked.has(stream)) return
  corked.add(stream)
  stream.cork()
  process.nextTick(() => {
    corked.delete(stream)
    stream.uncork()
  })
}
