import { once } from 'node:events'
import { connect } from 'node:net'

/** Asks for TLS as PostgreSQL clients do; a PostgreSQL server answers with one letter, yes or no. */
export async function speaksPostgres(port: number): Promise<boolean> {
  const socket = connect({ host: '127.0.0.1', port })
  try {
    await once(socket, 'connect')
    socket.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]))
    const [answer] = (await once(socket, 'data')) as [Buffer]
    return ['N', 'S'].includes(answer.toString('latin1'))
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
