import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { analyzePortal, fingerprintSource, identifySource, snapshotName, writeSnapshot, writeSyntheticPortal } from '../src/index.ts'
import { contract, portalCsv, temporaryFolder } from './support/portal-file.ts'
import { realData } from './support/real-data.ts'

const REGISTER =
  'numero_ata;id_compra;numero_item;modalidade_nome;uasg_codigo;uasg_nome;codigo_item;descricao_item;fornecedor_cnpj;fornecedor_nome;quantidade_homologada_vencedor;valor_unitario\r\n'
const [portal, institute] = [realData('portal-202401'), realData('ifms')]

describe('what a source holds', () => {
  it('is told by the header where the name does not tell', async () => {
    await using folder = await temporaryFolder()
    expect(await identifySource(await folder.write('whatever.csv', portalCsv([{}])))).toEqual(['portal-contracts'])
    expect(await identifySource(await folder.write('other.csv', REGISTER))).toEqual(['price-register'])
  })

  it('is refused where a file fits by its name and by no header, and where kinds are mixed', async () => {
    await using folder = await temporaryFolder()
    await folder.write('202401_Compras.csv', portalCsv([{}]))
    await folder.write('atas_itens.csv', REGISTER)
    await expect(identifySource(folder.path)).rejects.toMatchObject({ code: 'PROCUREMENT_SOURCE_MIXED' })
    await folder.write('atas_itens.csv', 'a;b\n')
    await expect(identifySource(folder.path)).rejects.toMatchObject({ code: 'PROCUREMENT_HEADER_MISMATCH' })
  })

  it('has a fingerprint that changes with any of its tables', async () => {
    await using folder = await temporaryFolder()
    await writeSyntheticPortal(folder.path, { seed: 1, contracts: 50 })
    const before = await fingerprintSource(folder.path)
    expect(before.tables['portal-contracts']).toBe(before.sha256)
    await writeSyntheticPortal(folder.path, { seed: 2, contracts: 50 })
    expect((await fingerprintSource(folder.path)).sha256).not.toBe(before.sha256)
  })

  it.skipIf(portal.absent || institute.absent)(`is known of the real files${portal.why}${institute.why}`, async () => {
    expect(await identifySource(portal.path)).toEqual(['portal-contracts', 'portal-items'])
    expect(await identifySource(institute.path)).toEqual(['institute-purchases', 'institute-contracts', 'price-register'])
  })
})

describe('contracts kept of the network', () => {
  it('give the rules what they would have got at once', async () => {
    await using folder = await temporaryFolder()
    const contracts = Array.from({ length: 5 }, (_, index) => contract({ line: index + 1, signedOn: '2024-01-06' }))
    const path = join(folder.path, snapshotName('portal-api 36000'))
    const count = await writeSnapshot(
      path,
      (async function* () {
        yield* contracts
      })(),
    )
    expect(count).toBe(5)
    const { summary, source, findings } = await analyzePortal(path)
    expect([summary.contracts, source.sha256]).toEqual([5, (await fingerprintSource(path)).sha256])
    expect(findings.find(({ rule }) => rule === 'calendar')?.recordCount.total).toBe(5)
  })

  it('are refused once they were changed', async () => {
    await using folder = await temporaryFolder()
    const path = join(folder.path, snapshotName('x'))
    await writeFile(path, '{"format":"cidadao-contracts-1"}\n{"number":1}\n')
    await expect(analyzePortal(path)).rejects.toMatchObject({ code: 'PROCUREMENT_SNAPSHOT_INVALID' })
    await expect(analyzePortal(join(folder.path, snapshotName('gone')))).rejects.toMatchObject({ code: 'PROCUREMENT_SOURCE_NOT_FOUND' })
  })
})
