import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { basename } from 'node:path'
import { TestClock } from '@cidadao/contracts'
import { describe, expect, it } from 'vitest'
import { isPublicAddress } from '../src/download/private-addresses.ts'
import { analyzePortal, openSource, type DownloadOptions } from '../src/index.ts'
import { portalCsv, temporaryFolder } from './support/portal-file.ts'
import { zipOf } from './support/zip-file.ts'

interface Server extends AsyncDisposable {
  readonly address: string
}

async function serve(listener: RequestListener): Promise<Server> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

const ANY: DownloadOptions = { addresses: 'any' }

describe('a source at an address', () => {
  it('is downloaded after redirections, hashed, read like a file, and removed afterwards', async () => {
    const zip = zipOf([{ name: '202401_Compras.csv', content: portalCsv([{}, {}]) }])
    await using folder = await temporaryFolder()
    await using server = await serve((request, response) => {
      if (request.url === '/old') response.writeHead(302, { location: '/files/202401_Compras.zip?x=1' }).end()
      else response.end(zip)
    })
    {
      await using source = await openSource(`${server.address}/old`, { ...ANY, folder: folder.path })
      expect(source.download).toEqual({ sha256: createHash('sha256').update(zip).digest('hex'), bytes: zip.length })
      expect(await readFile(source.path)).toEqual(zip)
      expect((await analyzePortal(source.path)).summary.contracts).toBe(2)
    }
    expect(await readdir(folder.path)).toEqual([])
  })

  it('keeps its name for findings, and cannot lead out of the folder', async () => {
    await using server = await serve((_request, response) => response.end('x'))
    for (const [path, name] of [
      ['/a/202401_Compras.csv', '202401_Compras.csv'],
      ['/..%2f..%2fetc', 'source'],
      ['/', 'source'],
    ] as const) {
      await using source = await openSource(`${server.address}${path}`, ANY)
      expect(basename(source.path)).toBe(name)
    }
  })

  it('a path is taken as it is', async () => {
    await using source = await openSource('./somewhere')
    expect(source).toMatchObject({ path: './somewhere', download: null })
  })

  it.each([
    ['ftp://example.org/a.zip', 'only http and https are fetched'],
    ['file:///etc/passwd', 'only http and https are fetched'],
    ['http://127.0.0.1/a', 'private network'],
    ['http://[::1]/a', 'private network'],
    ['http://[::ffff:10.0.0.1]/a', 'private network'],
    ['http://2130706433/a', 'private network'],
    ['http://169.254.169.254/latest/meta-data', 'private network'],
    ['http://localhost/a', 'private network'],
  ])('%s is refused: %s', async (address, why) => {
    await expect(openSource(address)).rejects.toMatchObject({
      code: 'PROCUREMENT_SOURCE_ADDRESS_REFUSED',
      message: expect.stringContaining(why) as string,
    })
  })

  it('secrets of an address are in no error', async () => {
    await using server = await serve((_request, response) => response.writeHead(500).end())
    const withPassword = openSource('https://user:s3cret@example.org/a?key=s3cret')
    await expect(withPassword).rejects.toThrow('https://example.org/a is refused: an address may not hold a user or password')
    const thrown = await openSource(`${server.address}/a?key=s3cret`, ANY).catch((error: unknown) => error)
    expect(thrown).toMatchObject({ code: 'PROCUREMENT_SOURCE_DOWNLOAD_FAILED', facts: { status: 500 } })
    expect(JSON.stringify(thrown) + String(thrown)).not.toContain('s3cret')
  })

  it('a redirection into another kind of address, or in circles, is not followed', async () => {
    await using server = await serve((request, response) => {
      response.writeHead(302, { location: request.url === '/file' ? 'file:///etc/passwd' : '/again' }).end()
    })
    await expect(openSource(`${server.address}/file`, ANY)).rejects.toMatchObject({ code: 'PROCUREMENT_SOURCE_ADDRESS_REFUSED' })
    await expect(openSource(`${server.address}/again`, { ...ANY, maxRedirects: 3 })).rejects.toThrow('more than maxRedirects = 3 times')
  })

  it('larger than it may be, as announced or as sent, leaves nothing behind', async () => {
    await using folder = await temporaryFolder()
    await using server = await serve((request, response) => {
      if (request.url === '/announced') response.setHeader('content-length', 5_000)
      response.end(Buffer.alloc(5_000))
    })
    for (const path of ['/announced', '/sent']) {
      const opened = openSource(`${server.address}${path}`, { ...ANY, maxBytes: 4_999, folder: folder.path })
      await expect(opened).rejects.toMatchObject({ code: 'PROCUREMENT_SOURCE_TOO_LARGE' })
    }
    expect(await readdir(folder.path)).toEqual([])
  })

  it('that breaks off, or answers never, is an error of its own', async () => {
    const clock = new TestClock()
    await using server = await serve((request, response) => {
      if (request.url !== '/broken') return void clock.advance(1_000)
      response.writeHead(200, { 'content-length': '100' })
      response.write('half')
      setImmediate(() => response.destroy())
    })
    await expect(openSource(`${server.address}/broken`, ANY)).rejects.toMatchObject({ code: 'PROCUREMENT_SOURCE_DOWNLOAD_FAILED' })
    const slow = openSource(`${server.address}/slow`, { ...ANY, deadlineMs: 1_000, clock })
    await expect(slow).rejects.toMatchObject({ code: 'PROCUREMENT_SOURCE_DEADLINE' })
    await expect(openSource('http://127.0.0.1:1/a', ANY)).rejects.toMatchObject({ facts: { reason: 'ECONNREFUSED' } })
  })

  it('stops with the reason of the signal', async () => {
    const controller = new AbortController()
    const reason = new Error('enough')
    await using server = await serve(() => controller.abort(reason))
    await expect(openSource(`${server.address}/a`, { ...ANY, signal: controller.signal })).rejects.toBe(reason)
  })

  it('refuses options that mean nothing', async () => {
    await expect(openSource('x', { maxBytes: 0 })).rejects.toThrow('maxBytes must be a whole number of at least 1, got 0')
    await expect(openSource('x', { addresses: 'all' as 'any' })).rejects.toThrow('addresses must be one of public-only, any, got "all"')
  })
})

describe('public addresses', () => {
  it.each(['8.8.8.8', '189.9.0.1', '2804::1', '2606:4700::1111'])('%s is one', (address) => expect(isPublicAddress(address)).toBe(true))

  it.each([
    '10.1.2.3',
    '172.31.0.1',
    '192.168.1.1',
    '100.64.0.1',
    '0.0.0.0',
    '255.255.255.255',
    '::',
    '::1',
    'fe80::1',
    'fd00::1',
    '::ffff:8.8.8.8',
    '64:ff9b::a00:1',
    '2002:a00:1::',
    'x',
  ])('%s is none', (address) => expect(isPublicAddress(address)).toBe(false))
})
