import { once } from 'node:events'
import { createServer } from 'node:net'
import { hasErrno } from './process-identity.ts'

const LOOPBACK = '127.0.0.1'

/** A port that was free a moment ago. Another program may take it before you do: retry. */
export async function findFreePort(): Promise<number> {
  const server = createServer()
  server.listen(0, LOOPBACK)
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('a listening TCP socket has no port')
  return address.port
}

/** Whether a server could listen on `port` of the loopback address now. */
export async function isPortFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, LOOPBACK)
    await once(server, 'listening')
  } catch (error) {
    if (hasErrno(error, 'EADDRINUSE', 'EACCES')) return false
    throw error
  }
  server.close()
  await once(server, 'close')
  return true
}
