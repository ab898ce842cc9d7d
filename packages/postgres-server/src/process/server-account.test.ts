import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tempFolder } from '../../test/temp-folder.ts'
import { chooseAccount, requireReachable } from './server-account.ts'

const isRoot = process.getuid?.() === 0
const stranger = { name: 'stranger', ids: { uid: 65_533, gid: 65_533 } }

describe('the account that a server runs under', () => {
  it.skipIf(!isRoot)('is postgres, else nobody, for root [skipped unless root]', async () => {
    const passwd = join(await tempFolder(), 'passwd')
    await writeFile(passwd, 'root:x:0:0::/root:/bin/sh\nnobody:x:65534:65533::/:/bin/false\n')
    expect(await chooseAccount(passwd)).toEqual({ name: 'nobody', ids: { uid: 65_534, gid: 65_533 } })
    await writeFile(passwd, 'nobody:x:65534:65534::/:/bin/false\npostgres:x:70:71::/:/bin/sh\n')
    expect(await chooseAccount(passwd)).toEqual({ name: 'postgres', ids: { uid: 70, gid: 71 } })
  })

  it.skipIf(!isRoot)('is asked for where a machine has neither [skipped unless root]', async () => {
    const passwd = join(await tempFolder(), 'passwd')
    await writeFile(passwd, 'root:x:0:0::/root:/bin/sh\n')
    await expect(chooseAccount(passwd)).rejects.toThrow('run as an ordinary user')
  })

  it('may enter open folders', async () => {
    await expect(requireReachable(await tempFolder(), stranger, 'data')).resolves.toBeUndefined()
  })

  it('is told which folder on the way is closed to it', async () => {
    const closed = join(await tempFolder(), 'closed')
    await mkdir(join(closed, 'inner', 'most'), { recursive: true })
    await chmod(closed, 0o700)
    await expect(requireReachable(join(closed, 'inner', 'most'), stranger, 'binaries')).rejects.toMatchObject({
      code: 'POSTGRES_SERVER_PATH_UNREACHABLE',
      facts: { folder: closed, account: 'stranger', what: 'binaries' },
    })
  })

  it('is not asked where the server runs as we do', async () => {
    await expect(requireReachable('/nowhere', { name: 'me' }, 'data')).resolves.toBeUndefined()
  })
})
