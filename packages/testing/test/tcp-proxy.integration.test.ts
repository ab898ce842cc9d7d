import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { TestClock } from '@cidadao/contracts'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { eventually, SeededRandom, TcpProxy } from '../src/index.ts'

/** A server that says back what it hears. */
async function echoServer(): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.pipe(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

async function clientOf(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  await once(socket, 'connect')
  return socket
}

async function say(socket: Socket, text: string): Promise<string> {
  socket.write(text)
  const [answer] = (await once(socket, 'data')) as [Buffer]
  return answer.toString()
}

/** What arrives, without waiting for it. */
function hear(socket: Socket): { readonly text: () => string } {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  return { text: () => Buffer.concat(chunks).toString() }
}

describe('a TCP proxy', () => {
  let server: Server
  let proxy: TcpProxy
  const clock = new TestClock()

  beforeEach(async () => {
    server = await echoServer()
    proxy = await TcpProxy.open({ targetPort: (server.address() as AddressInfo).port, clock, random: new SeededRandom(11) })
  })
  afterEach(async () => {
    await proxy.stop()
    server.close()
  })

  it('passes everything on, both ways, ends included', async () => {
    const socket = await clientOf(proxy.port)
    const heard = hear(socket)
    const large = 'x'.repeat(3_000_000)
    socket.end(large)
    await once(socket, 'end')
    expect(heard.text()).toBe(large)
    await eventually(() => expect(proxy.stats).toEqual({ accepted: 1, open: 0, cut: 0, bytes: 6_000_000 }), { deadlineMs: 5_000 })
  })

  it('refuses new connections while the open ones go on, and is back at the same port', async () => {
    const open = await clientOf(proxy.port)
    await proxy.setFault({ kind: 'refuse' })
    await expect(clientOf(proxy.port)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(await say(open, 'still here')).toBe('still here')
    const { port } = proxy
    await proxy.heal()
    expect([proxy.port, await say(await clientOf(port), 'again')]).toEqual([port, 'again'])
  })

  it('delays each way by what it is told', async () => {
    const socket = await clientOf(proxy.port)
    const heard = hear(socket)
    await proxy.setFault({ kind: 'delay', delayMs: 100 })
    socket.write('late')
    await eventually(() => expect(clock.pendingTimers).toBe(1), { deadlineMs: 5_000 })
    await clock.advance(100)
    await eventually(() => expect(clock.pendingTimers).toBe(1), { deadlineMs: 5_000 })
    expect(heard.text()).toBe('')
    await clock.advance(100)
    await eventually(() => expect(heard.text()).toBe('late'), { deadlineMs: 5_000 })
  })

  it('lets what it delays go on when it heals', async () => {
    const socket = await clientOf(proxy.port)
    await proxy.setFault({ kind: 'delay', delayMs: 3_600_000, jitterMs: 10 })
    const answer = say(socket, 'an hour late')
    await eventually(() => expect(clock.pendingTimers).toBe(1), { deadlineMs: 5_000 })
    await proxy.heal()
    expect(await answer).toBe('an hour late')
  })

  it('holds everything in a blackhole, closes nothing, and delivers when it heals', async () => {
    const socket = await clientOf(proxy.port)
    expect(await say(socket, 'before')).toBe('before')
    await proxy.setFault({ kind: 'blackhole' })
    const answer = say(socket, 'held')
    const fresh = await clientOf(proxy.port)
    const freshAnswer = say(fresh, 'held too')
    await eventually(() => expect(proxy.stats.open).toBe(2), { deadlineMs: 5_000 })
    expect(proxy.stats.bytes).toBe(12)
    await proxy.heal()
    expect([await answer, await freshAnswer]).toEqual(['held', 'held too'])
  })

  it('cuts all connections at once by a reset', async () => {
    const sockets = [await clientOf(proxy.port), await clientOf(proxy.port)]
    await eventually(() => expect(proxy.stats.open).toBe(2), { deadlineMs: 5_000 })
    const errors = Promise.all(sockets.map((socket) => once(socket, 'error').then(([error]) => (error as NodeJS.ErrnoException).code)))
    expect(proxy.cutAll()).toBe(2)
    expect(await errors).toEqual(['ECONNRESET', 'ECONNRESET'])
    expect(proxy.stats).toMatchObject({ open: 0, cut: 2 })
    expect(await say(await clientOf(proxy.port), 'new')).toBe('new')
  })

  it('cuts some connections by chance, the same ones with the same seed', async () => {
    const survivors = async (): Promise<boolean[]> => {
      const seeded = await TcpProxy.open({ targetPort: (server.address() as AddressInfo).port, random: new SeededRandom(5) })
      await seeded.setFault({ kind: 'cut', probability: 0.3 })
      const outcomes: boolean[] = []
      for (let index = 0; index < 20; index += 1) {
        const socket = await clientOf(seeded.port)
        outcomes.push(
          await say(socket, 'x').then(
            () => true,
            () => false,
          ),
        )
        socket.destroy()
      }
      await seeded.stop()
      return outcomes
    }
    const first = await survivors()
    expect(new Set(first)).toEqual(new Set([true, false]))
    expect(await survivors()).toEqual(first)
  })

  it('closes the client’s connection when the target is not there', async () => {
    const lonely = await TcpProxy.open({ targetPort: 1 })
    onTestFinished(() => lonely.stop())
    const socket = connect(lonely.port, '127.0.0.1')
    socket.on('error', () => {})
    await once(socket, 'close')
    await eventually(() => expect(lonely.stats.open).toBe(0), { deadlineMs: 5_000 })
  })

  it.each([
    [{ kind: 'delay', delayMs: -1 }, 'at least 0 is required'],
    [{ kind: 'cut', probability: 1.5 }, '0 to 1 is required, not 1.5'],
  ] as const)('refuses %j', async (fault, message) => {
    await expect(proxy.setFault(fault)).rejects.toThrow(message)
  })
})
