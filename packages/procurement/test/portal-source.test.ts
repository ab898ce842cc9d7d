import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readlinkSync } from 'node:fs'
import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import {
  analyzePortal,
  fingerprintPortalContracts,
  loadPortalContracts,
  readContracts,
  type ReadOptions,
  type ReadProgress,
  type TableEvent,
} from '../src/index.ts'
import { portalCsv, temporaryFolder } from './support/portal-file.ts'
import { zipOf } from './support/zip-file.ts'

const OPEN_FILES = '/proc/self/fd'
const CSV = portalCsv([{}, { 'Valor Inicial Compra': '10,00' }, 'broken'])
const sha256 = (content: Buffer | string): string => createHash('sha256').update(content).digest('hex')

async function eventsOf(source: string, options?: ReadOptions): Promise<readonly TableEvent<unknown>[]> {
  const events: TableEvent<unknown>[] = []
  for await (const event of readContracts(source, options)) events.push(event)
  return events
}

describe('sources', () => {
  it('a folder, the file itself and the ZIP it comes in give the same contracts and the same sha256', async () => {
    await using folder = await temporaryFolder()
    const file = await folder.write('202401_Compras.csv', CSV)
    await folder.write('202401_ItemCompra.csv', 'not read')
    const zip = await folder.write('download', zipOf([{ name: '202401_Compras.csv', content: CSV }]))
    const [fromFolder, fromFile, fromZip] = await Promise.all([folder.path, file, zip].map((source) => analyzePortal(source)))
    expect(fromFolder?.source.sha256).toBe(sha256(CSV))
    expect(fromFolder?.summary).toMatchObject({ contracts: 2, totalInitialValue: '1244.56' })
    expect(fromFolder?.rejects).toMatchObject({ total: 1, byReason: { 'field-count': 1 } })
    expect(fromFile).toEqual(fromFolder)
    expect(fromZip).toEqual(fromFolder)
  })

  it('several months are read in the order of their names, each with its own digest', async () => {
    await using folder = await temporaryFolder()
    await folder.write('202402_Compras.csv', portalCsv([{ 'Número do Contrato': '2' }]))
    await folder.write('202401_Compras.csv', portalCsv([{ 'Número do Contrato': '1' }]))
    const { contracts, source } = await loadPortalContracts(folder.path)
    expect(contracts.map((contract) => [contract.file, contract.number])).toEqual([
      ['202401_Compras.csv', '1'],
      ['202402_Compras.csv', '2'],
    ])
    const list = source.files.map((file) => `${file.sha256}  ${file.name}\n`).join('')
    expect(source.sha256).toBe(sha256(list))
  })

  it('tells the sha256 without reading rows', async () => {
    await using folder = await temporaryFolder()
    const file = await folder.write('202401_Compras.csv', CSV)
    expect(await fingerprintPortalContracts(file)).toBe((await loadPortalContracts(file)).source.sha256)
  })

  it('yields rows, rejected rows and the digest of the file, in order', async () => {
    await using folder = await temporaryFolder()
    await folder.write('202401_Compras.csv', CSV)
    const events = await eventsOf(folder.path)
    expect(events.map((event) => event.kind)).toEqual(['row', 'row', 'rejected', 'file'])
    expect(events.at(-1)).toMatchObject({ file: { rows: 3, rejectedRows: 1, bytes: CSV.length } })
  })

  it('reports its progress up to the whole', async () => {
    await using folder = await temporaryFolder()
    await folder.write('202401_Compras.csv', CSV)
    await folder.write('202402_Compras.csv', CSV)
    const seen: ReadProgress[] = []
    await eventsOf(folder.path, { onProgress: (progress) => seen.push(progress) })
    expect(seen.at(-1)).toEqual({ file: '202402_Compras.csv', bytesRead: CSV.length * 2, totalBytes: CSV.length * 2, rows: 6 })
  })

  it('counts all rejected rows and lists the first', async () => {
    await using folder = await temporaryFolder()
    await folder.write('202401_Compras.csv', portalCsv([...Array.from({ length: 30 }, () => 'broken'), {}]))
    const { rejects, source } = await loadPortalContracts(folder.path, { maxRejects: 5 })
    expect([rejects.total, rejects.rows.length, rejects.rows[4]?.line, source.rows]).toEqual([30, 5, 6, 31])
  })
})

describe('sources that cannot be read', () => {
  const codeOf = async (source: string, options?: ReadOptions): Promise<string> =>
    eventsOf(source, options).then(
      () => 'no error',
      (thrown: unknown) => (thrown instanceof Error && 'code' in thrown ? `${String(thrown.code)}: ${thrown.message}` : String(thrown)),
    )

  it('nothing there', async () => {
    await using folder = await temporaryFolder()
    expect(await codeOf(join(folder.path, 'nothing'))).toMatch(/^PROCUREMENT_SOURCE_NOT_FOUND: nothing is at .*nothing$/)
  })

  it('an empty folder, and a folder without the files', async () => {
    await using folder = await temporaryFolder()
    expect(await codeOf(folder.path)).toMatch(/^PROCUREMENT_SOURCE_WITHOUT_FILES: .*202401_Compras\.csv: it is empty$/)
    await folder.write('notes.txt', 'x')
    expect(await codeOf(folder.path)).toMatch(/it holds notes\.txt$/)
  })

  it('an empty file, alone or in a ZIP', async () => {
    await using folder = await temporaryFolder()
    expect(await codeOf(await folder.write('a.csv', ''))).toBe('PROCUREMENT_FILE_EMPTY: a.csv is empty')
    expect(await codeOf(await folder.write('b.zip', zipOf([{ name: 'Compras.csv', content: Buffer.alloc(0) }])))).toMatch(
      /^PROCUREMENT_FILE_EMPTY/,
    )
  })

  it('a folder by the name of a file', async () => {
    await using folder = await temporaryFolder()
    await mkdir(join(folder.path, '202401_Compras.csv'))
    expect(await codeOf(folder.path)).toMatch(/^PROCUREMENT_SOURCE_UNREADABLE: .*EISDIR/)
  })

  it.skipIf(process.getuid?.() === 0)('a file without permission to read [skipped for root, who may read all]', async () => {
    await using folder = await temporaryFolder()
    const file = await folder.write('202401_Compras.csv', CSV)
    await chmod(file, 0)
    expect(await codeOf(file)).toMatch(/^PROCUREMENT_SOURCE_UNREADABLE: .*EACCES/)
  })

  it('a ZIP without the files', async () => {
    await using folder = await temporaryFolder()
    const zip = await folder.write('a.zip', zipOf([{ name: 'outro.csv', content: CSV }]))
    expect(await codeOf(zip)).toMatch(/^PROCUREMENT_SOURCE_WITHOUT_FILES: .*it holds outro\.csv$/)
  })

  it('a ZIP that is cut off, damaged, encrypted or names files outside itself', async () => {
    await using folder = await temporaryFolder()
    const whole = zipOf([{ name: '202401_Compras.csv', content: CSV }])
    const cut = await folder.write('cut.zip', whole.subarray(0, -30))
    const damaged = Buffer.from(whole)
    damaged.fill(0xff, 60, 90)
    const outside = zipOf([{ name: '../202401_Compras.csv', content: CSV }])
    const encrypted = zipOf([{ name: '202401_Compras.csv', content: CSV, encrypted: true }])
    for (const zip of [
      cut,
      await folder.write('damaged.zip', damaged),
      await folder.write('outside.zip', outside),
      await folder.write('encrypted.zip', encrypted),
    ]) {
      expect(await codeOf(zip), zip).toMatch(/^PROCUREMENT_ARCHIVE_UNREADABLE/)
    }
  })

  it('a ZIP whose content does not match its checksum', async () => {
    await using folder = await temporaryFolder()
    const zip = await folder.write('a.zip', zipOf([{ name: '202401_Compras.csv', content: CSV, claimedCrc32: 1 }]))
    expect(await codeOf(zip)).toBe('PROCUREMENT_ARCHIVE_UNREADABLE: 202401_Compras.csv in the ZIP is damaged: its checksum does not match')
  })

  it('a ZIP that unpacks to more than it may, or to more than it says', async () => {
    await using folder = await temporaryFolder()
    const bomb = await folder.write('bomb.zip', zipOf([{ name: '202401_Compras.csv', content: Buffer.alloc(20_000_000, 'x') }]))
    expect(await codeOf(bomb)).toMatch(/^PROCUREMENT_ARCHIVE_LIMIT: .*maxCompressionRatio = 200/)
    expect(await codeOf(bomb, { maxEntryBytes: 1_000 })).toMatch(/^PROCUREMENT_ARCHIVE_LIMIT: .*maxEntryBytes = 1000/)
    const liar = await folder.write(
      'liar.zip',
      zipOf([{ name: '202401_Compras.csv', content: portalCsv(new Array(500).fill({})), claimedBytes: 5_000 }]),
    )
    expect(await codeOf(liar)).toMatch(/^PROCUREMENT_ARCHIVE_UNREADABLE: .*too many bytes/)
  })

  it('a ZIP that lists more files than it may', async () => {
    await using folder = await temporaryFolder()
    const entries = Array.from({ length: 12 }, (_, index) => ({
      name: `2024${String(index + 1).padStart(2, '0')}_Compras.csv`,
      content: CSV,
    }))
    const zip = await folder.write('many.zip', zipOf(entries))
    expect(await codeOf(zip, { maxEntries: 10 })).toMatch(/^PROCUREMENT_ARCHIVE_LIMIT: .*lists 12 files, more than maxEntries = 10/)
    expect(await codeOf(zip)).toBe('no error')
  })

  it('more contracts than may be held', async () => {
    await using folder = await temporaryFolder()
    await folder.write('202401_Compras.csv', portalCsv([{}, {}, {}]))
    await expect(loadPortalContracts(folder.path, { maxContracts: 2 })).rejects.toMatchObject({ code: 'PROCUREMENT_TOO_MANY_CONTRACTS' })
    expect((await analyzePortal(folder.path)).summary.contracts).toBe(3)
  })

  it('limits that are no limits', async () => {
    await using folder = await temporaryFolder()
    expect(await codeOf(folder.path, { maxRowBytes: 0 })).toBe(
      'PROCUREMENT_INVALID_OPTION: maxRowBytes must be a whole number of at least 1, got 0',
    )
  })
})

describe('stopping', () => {
  it('rejects with the reason of the signal, before and during the reading', async () => {
    await using folder = await temporaryFolder()
    await folder.write('202401_Compras.csv', portalCsv(new Array(3_000).fill({})))
    const reason = new Error('enough')
    await expect(eventsOf(folder.path, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    const controller = new AbortController()
    let rows = 0
    const reading = eventsOf(folder.path, {
      signal: controller.signal,
      onProgress: (progress) => {
        rows = progress.rows
        controller.abort(reason)
      },
    })
    await expect(reading).rejects.toBe(reason)
    expect(rows).toBeGreaterThan(0)
    expect(rows).toBeLessThan(3_000)
  })

  it.skipIf(!existsSync(OPEN_FILES))(
    'closes the archive when the consumer stops early [skipped where the system does not list open files]',
    async () => {
      await using folder = await temporaryFolder()
      const zip = await folder.write('a.zip', zipOf([{ name: '202401_Compras.csv', content: portalCsv(new Array(3_000).fill({})) }]))
      const isOpen = (): boolean => readdirSync(OPEN_FILES).some((entry) => linkOf(entry) === zip)
      for await (const event of readContracts(zip)) {
        expect(event.kind).toBe('row')
        expect(isOpen()).toBe(true)
        break
      }
      await vi.waitFor(() => expect(isOpen()).toBe(false))
    },
  )
})

function linkOf(entry: string): string | undefined {
  try {
    return readlinkSync(join(OPEN_FILES, entry))
  } catch {
    // The list itself is open while it is read, and gone after.
    return undefined
  }
}
