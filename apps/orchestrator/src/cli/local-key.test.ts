import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '@cidadao/config'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { apiKeyOf, type ApiKey } from './local-key.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cidadao-key-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const keyWith = (env: Readonly<Record<string, string>> = {}): Promise<ApiKey> =>
  apiKeyOf(loadConfig({ env: { CIDADAO_DATA_DIR: join(folder, 'data'), ...env }, envFiles: [] }))

describe('apiKeyOf', () => {
  it('makes one key, however many ask at once, and keeps it for this user alone', async () => {
    const keys = await Promise.all([keyWith(), keyWith(), keyWith()])
    expect(new Set(keys.map(({ key }) => key)).size).toBe(1)
    const { key, keptIn = '' } = keys[0]
    expect(key).toMatch(/^[\w-]{32}$/)
    expect((await stat(keptIn)).mode & 0o777).toBe(0o600)
    expect(await readdir(folder)).toEqual(['.cidadao-local-key'])
    expect(await keyWith()).toEqual({ key, keptIn })
  })

  it('closes a kept file that others could read', async () => {
    const { keptIn = '' } = await keyWith()
    await chmod(keptIn, 0o644)
    await keyWith()
    expect((await stat(keptIn)).mode & 0o777).toBe(0o600)
  })

  it('refuses a file without a key, and leaves it as it is', async () => {
    const path = join(folder, '.cidadao-local-key')
    await writeFile(path, '\n')
    await expect(keyWith()).rejects.toMatchObject({ code: 'CLI_USAGE', message: expect.stringContaining('delete the file') as string })
    expect(await readFile(path, 'utf8')).toBe('\n')
  })

  it('takes the configured key, and wants one where the API is open to others', async () => {
    const CIDADAO_API_KEY = 'a-key-of-our-own-choice'
    expect(await keyWith({ CIDADAO_API_KEY, CIDADAO_HTTP_HOST: '0.0.0.0' })).toEqual({ key: CIDADAO_API_KEY })
    await expect(keyWith({ CIDADAO_HTTP_HOST: '0.0.0.0' })).rejects.toThrow('CIDADAO_API_KEY must be set')
    expect(await readdir(folder)).toEqual([])
  })
})
