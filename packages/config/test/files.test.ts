import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../src/index.ts'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CERTIFICATE, privateKeyOf } from './certificate.ts'
import { failureOf, load } from './load.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'config-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function write(name: string, content: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

describe('.env files', () => {
  it('are read where they exist, and the environment wins over them', async () => {
    await write('.env', 'DATABASE_POOL_SIZE=7\nQUERY_TIMEOUT=9\nNODE_ENV=production\n')
    const config = loadConfig({ env: { QUERY_TIMEOUT: '10' }, cwd: folder })
    expect(config).toMatchObject({ preset: 'production', db: { poolSize: 7, queryTimeoutMs: 10_000, maxOverflow: 50 } })
    const sources = Object.fromEntries(config.effective.map(({ variable, source }) => [variable, source]))
    expect(sources.DATABASE_POOL_SIZE).toEqual({ kind: 'env-file', detail: '.env' })
    expect(sources.QUERY_TIMEOUT).toEqual({ kind: 'environment' })
  })

  it('may be absent when not asked for, and must exist when asked for', () => {
    expect(loadConfig({ env: {}, cwd: folder }).db.poolSize).toBe(20)
    expect(failureOf({}, { envFiles: ['local.env'], cwd: folder }).message).toBe('configuration: local.env must be a readable file: ENOENT')
  })

  it('are reported when they exist and cannot be read', async () => {
    await mkdir(join(folder, '.env'))
    expect(() => loadConfig({ env: {}, cwd: folder })).toThrow('.env must be a readable file: EISDIR')
  })

  it('override each other in their order', async () => {
    const files = [await write('a', 'QUERY_TIMEOUT=1\nDATABASE_POOL_SIZE=1'), await write('b', 'QUERY_TIMEOUT=2')]
    expect(load({}, { envFiles: files }).db).toMatchObject({ queryTimeoutMs: 2_000, poolSize: 1 })
  })

  it('are read as Node reads them: quotes, comments, export, line breaks in quotes, also behind a byte order mark', async () => {
    const content = `\uFEFFREDIS_PASSWORD="a#b" # the rest is a comment\r\nexport QUERY_TIMEOUT=5\r\nREDIS_NODES='rediss://a:1'\nREDIS_TLS_CA="${CERTIFICATE}"\n`
    const config = load({}, { envFiles: [await write('.env', content)] })
    expect(config.redis.password?.reveal()).toBe('a#b')
    expect(config.redis.tlsCa).toBe(CERTIFICATE)
    expect(config.db.queryTimeoutMs).toBe(5_000)
  })

  it('name themselves as the source of a wrong value', async () => {
    const path = await write('.env', 'QUERY_TIMEOUT=soon')
    expect(failureOf({}, { envFiles: [path] }).problems[0]).toMatchObject({ variable: 'QUERY_TIMEOUT', received: '"soon"', source: path })
  })
})

describe('…_FILE', () => {
  it.each([
    ['hunter2', 'hunter2'],
    ['hunter2\n', 'hunter2'],
    ['hunter2\r\n', 'hunter2'],
    [' hunter2 \n\n', ' hunter2 \n'],
  ])('gives the content %j without the line break at its end', async (content, value) => {
    const path = await write('password', content)
    const config = load({ REDIS_NODES: 'a:1', REDIS_PASSWORD_FILE: path })
    expect(config.redis.password?.reveal()).toBe(value)
    expect(config.effective.find(({ variable }) => variable === 'REDIS_PASSWORD')).toMatchObject({
      value: '***',
      source: { kind: 'secret-file', detail: path },
    })
  })

  it('works for every secret and certificate, relative to the working directory', async () => {
    await write('url', 'postgresql://u@db/x?sslmode=verify-full\n')
    await write('secret', 'a secret of 32 letters and digits'.replaceAll(' ', '-'))
    await write('cert', CERTIFICATE)
    await write('key', privateKeyOf(1))
    const env = {
      DATABASE_URL_FILE: 'url',
      DATABASE_PASSWORD_FILE: './secret',
      DATABASE_SSL_CA_FILE: 'cert',
      DATABASE_SSL_CERT_FILE: 'cert',
      DATABASE_SSL_KEY_FILE: 'key',
      REDIS_NODES: 'rediss://a:1',
      REDIS_PASSWORD_FILE: 'secret',
      REDIS_TLS_CA_FILE: 'cert',
      CIDADAO_API_KEY_FILE: 'secret',
    }
    const config = load(env, { cwd: folder })
    expect(config.db.url?.display).toBe('postgresql://u:***@db/x')
    expect(config.db.ssl).toMatchObject({ mode: 'verify-full', ca: CERTIFICATE.trimEnd() })
    expect(config.effective.filter(({ source }) => source.kind === 'secret-file')).toHaveLength(8)
    expect(config.warnings.filter(({ kind }) => kind === 'unknown-variable')).toEqual([])
  })

  it('must not stand beside the variable itself', async () => {
    const path = await write('password', 'hunter2')
    const { problems, message } = failureOf({ REDIS_PASSWORD: 'hunter3', REDIS_PASSWORD_FILE: path })
    expect(problems).toMatchObject([{ variable: 'REDIS_PASSWORD_FILE', rule: 'must not be set together with REDIS_PASSWORD' }])
    expect(message).not.toMatch(/hunter[23]/)
  })

  it.each(['', '/does/not/exist', 'missing'])('must name a readable file that is not empty (%j)', (path) => {
    expect(failureOf({ REDIS_PASSWORD_FILE: path }, { cwd: folder }).problems).toMatchObject([{ variable: 'REDIS_PASSWORD_FILE' }])
  })

  it('refuses an empty file and a folder', async () => {
    const path = await write('empty', '\n')
    expect(failureOf({ REDIS_PASSWORD_FILE: path }).message).toContain('a file that is not empty')
    expect(failureOf({ REDIS_PASSWORD_FILE: folder }).message).toContain('EISDIR')
  })

  it('does not print a secret that stands where the path should', () => {
    expect(failureOf({ REDIS_PASSWORD_FILE: 'hunter2' }).message).not.toContain('hunter2')
  })

  it('that cannot be read is one problem, not also a contradiction with what it belongs to', () => {
    const { problems } = failureOf({
      DATABASE_URL: 'postgresql://u@db/x?sslmode=require',
      DATABASE_SSL_CERT: CERTIFICATE,
      DATABASE_SSL_KEY_FILE: '/does/not/exist',
    })
    expect(problems.map(({ variable }) => variable)).toEqual(['DATABASE_SSL_KEY_FILE'])
  })

  it('is offered for secrets and certificates only', () => {
    expect(load({ CIDADAO_HTTP_PORT_FILE: '/x' }).warnings).toMatchObject([
      { kind: 'unknown-variable', variable: 'CIDADAO_HTTP_PORT_FILE' },
    ])
  })
})
