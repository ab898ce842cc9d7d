import { describe, expect, it } from 'vitest'
import {
  analyzeInstitute,
  analyzePortalItems,
  formatMoney,
  formatQuantity,
  readAmendments,
  readApostilles,
  readInstituteContracts,
  readInstitutePurchases,
  readPortalItems,
  readRegisteredItems,
  type TableEvent,
} from '../src/index.ts'
import { temporaryFolder } from './support/portal-file.ts'
import { zipOf } from './support/zip-file.ts'

const BOM = '\uFEFF'
const ITEM_HEADER =
  '"Código Órgão";"Nome Órgão";"Código UG";"Nome UG";"Número Contrato";"Código Item Compra";"Descrição Item Compra";"Descrição Complementar Item Compra";"Quantidade Item";"Valor Item"'
const CHANGE_HEADER = '"Número Contrato";"Código Órgão Superior";"Nome Órgão Superior";"Código Órgão";"Nome Órgão";"Código UG";"Nome UG"'
const CHANGED = '"000012024";"36000";"Ministério da Saúde";"36201";"FUNDAÇÃO";"254450";"UNIDADE"'
const PURCHASE_HEADER =
  'id_compra;numero_compra;uasg_codigo;uasg_nome;modalidade_nome;amparo_legal;situacao;objeto;valor_estimado;valor_homologado;data_publicacao'
const CONTRACT_HEADER =
  'id_contrato;id_compra;numero;origem_uasg;tipo;modalidade;unidade_compra;fornecedor_cnpj;fornecedor_nome;valor_global;valor_parcela;vigencia_inicio;vigencia_fim'
const REGISTER_HEADER =
  'numero_ata;id_compra;numero_item;modalidade_nome;uasg_codigo;uasg_nome;codigo_item;descricao_item;fornecedor_cnpj;fornecedor_nome;quantidade_homologada_vencedor;valor_unitario'

const latin = (...lines: readonly string[]): Buffer => Buffer.from(`${lines.join('\n')}\n`, 'latin1')
const utf8 = (...lines: readonly string[]): Buffer => Buffer.from(`${BOM}${lines.join('\r\n')}\r\n`, 'utf8')

async function read<Row>(
  events: AsyncIterable<TableEvent<Row>>,
): Promise<{ readonly rows: readonly Row[]; readonly rejects: readonly string[] }> {
  const rows: Row[] = []
  const rejects: string[] = []
  for await (const event of events) {
    if (event.kind === 'row') rows.push(event.row)
    if (event.kind === 'rejected') rejects.push(`${event.rejected.line} ${event.rejected.reason} ${event.rejected.column}`)
  }
  return { rows, rejects }
}

describe('items of the Portal', () => {
  const row = (quantity: string, value: string, description = 'ÓLEO DIESEL'): string =>
    `"20301";"COMISSÃO";"113203";"UNIDADE";"000012021";"11320306";"${description}";"undefined";"${quantity}";"${value}"`

  it('are read with exact prices and quantities, from a ZIP too, and broken ones are listed', async () => {
    await using folder = await temporaryFolder()
    const content = latin(
      ITEM_HEADER,
      row('2', '2100000,00'),
      row('x', '1,00'),
      row('1', '1.00'),
      row('1', '-5,0001', 'CPF 111.444.777-35'),
    )
    const zip = await folder.write(
      'items.zip',
      zipOf([
        { name: '202401_ItemCompra.csv', content },
        { name: '202401_Compras.csv', content },
      ]),
    )
    const { rows, rejects } = await read(readPortalItems(zip))
    expect(rows.map((item) => [item.contractNumber, item.description, item.detail])).toEqual([
      ['000012021', 'ÓLEO DIESEL', ''],
      ['000012021', 'CPF ***.444.777-**', ''],
    ])
    expect(rows.map((item) => [formatQuantity(item.quantity), formatMoney(item.unitPrice)])).toEqual([
      ['2', '2100000.00'],
      ['1', '-5.0001'],
    ])
    expect(rejects).toEqual(['3 amount Quantidade Item', '4 amount Valor Item'])
  })

  it('are compared within the units that are meant', async () => {
    await using folder = await temporaryFolder()
    const prices = ['1,00', '1,10', '0,90', '1,20', '0,80', '1,05', '0,95', '1,01', '1,15', '99,00']
    await folder.write('202401_ItemCompra.csv', latin(ITEM_HEADER, ...prices.map((price) => row('5', price))))
    const all = await analyzePortalItems(folder.path)
    expect(all.findings[0]).toMatchObject({ rule: 'price-outlier', statistics: { dear: 1 }, population: { n: 10 } })
    expect((await analyzePortalItems(folder.path, { unitCodes: ['1'] })).findings[0]?.outcome).toBe('population-too-small')
  })
})

describe('amendments and apostilles of the Portal', () => {
  it('are read with their texts masked', async () => {
    await using folder = await temporaryFolder()
    await folder.write(
      '202401_TermoAditivo.csv',
      latin(
        `${CHANGE_HEADER};"Número Termo Aditivo";"Data Publicação";"Objeto"`,
        `${CHANGED};"000012024";"11/03/2024";"ACRÉSCIMO a 111.444.777-35"`,
        `${CHANGED};"000022024";"";""`,
        `${CHANGED};"000032024";"31/02/2024";""`,
      ),
    )
    await folder.write(
      '202401_Apostilamento.csv',
      latin(
        `${CHANGE_HEADER};"Número Apostilamento";"Descrição Apostilamento";"Valor Apostilamento";"Data de inclusão";"Situação Apostilamento"`,
        `${CHANGED};"1";"REAJUSTE";"";"11/03/2024";"Ativo"`,
        `${CHANGED};"2";"REAJUSTE";"12,50";"";"Ativo"`,
      ),
    )
    const amendments = await read(readAmendments(folder.path))
    expect(amendments.rows.map(({ number, subject, unit }) => [number, subject, unit.code])).toEqual([
      ['000012024', 'ACRÉSCIMO a ***.444.777-**', '254450'],
      ['000022024', '', '254450'],
    ])
    expect(amendments.rejects).toEqual(['4 date Data Publicação'])
    const apostilles = await read(readApostilles(folder.path))
    expect(apostilles.rows.map(({ value, includedOn }) => [value === null ? null : formatMoney(value), includedOn === null])).toEqual([
      [null, false],
      ['12.50', true],
    ])
  })
})

describe('files of a federal institute', () => {
  const purchase = (id: string, number: string, basis: string, values: string): string =>
    `${id};${number};158132;REITORIA AÇÃO;Dispensa;${basis};;Objeto;${values};;15/03/2024`
  const contract = (purchaseId: string, cnpj: string, value: string): string =>
    `1;${purchaseId};00001/2024;158132;Contrato;Dispensa;158132;${cnpj};FORNECEDOR;${value};${value};07/07/2024;`

  it('are read with their mark of UTF-8, every style of number, and CNPJ with and without punctuation', async () => {
    await using folder = await temporaryFolder()
    await folder.write(
      'contratos.csv',
      utf8(
        CONTRACT_HEADER,
        contract('A', '11.444.777/0001-61', '61.233,20'),
        contract('', '11444777000161', '3480,00'),
        contract('C', '***.444.777-**', '1.000'),
        contract('D', '11444777000161', '12.34,5'),
      ),
    )
    const { rows, rejects } = await read(readInstituteContracts(folder.path))
    expect(rows.map(({ purchaseId, supplier, value, endsOn }) => [purchaseId, supplier.code, formatMoney(value), endsOn])).toEqual([
      ['A', '11444777000161', '61233.20', null],
      [null, '11444777000161', '3480.00', null],
      ['C', '***.444.777-**', '1000.00', null],
    ])
    expect(rejects).toEqual(['5 amount valor_global'])
  })

  it('keep an amount that nobody stated apart from zero, and reject a number without year', async () => {
    await using folder = await temporaryFolder()
    await folder.write(
      'compras.csv',
      utf8(
        PURCHASE_HEADER,
        purchase('A', '00001/2024', 'x', ''),
        purchase('B', '00002/2024', 'x', '0,00'),
        purchase('C', '00003', 'x', '1,00'),
      ),
    )
    const { rows, rejects } = await read(readInstitutePurchases(folder.path))
    expect(rows.map(({ year, estimatedValue, unit }) => [year, estimatedValue, unit.name])).toEqual([
      [2024, null, 'REITORIA AÇÃO'],
      [2024, 0n, 'REITORIA AÇÃO'],
    ])
    expect(rejects).toEqual(['4 date numero_compra'])
  })

  it('give price registers with unit price and supplier', async () => {
    await using folder = await temporaryFolder()
    await folder.write(
      'atas_itens.csv',
      utf8(REGISTER_HEADER, '00010/2024;A;00001;Pregão;158132;REITORIA;15008;CANETA;08720790000191;POLO;60,50;5026,29'),
    )
    const { rows } = await read(readRegisteredItems(folder.path))
    expect(rows[0]).toMatchObject({ contractNumber: '00010/2024', code: '15008/00001', supplier: { kind: 'cnpj', code: '08720790000191' } })
    expect(rows.map(({ quantity, unitPrice }) => [formatQuantity(quantity), formatMoney(unitPrice)])).toEqual([['60.5', '5026.29']])
  })

  it('are joined: two purchases of one company that reach the limit together are one group', async () => {
    await using folder = await temporaryFolder()
    const basis = 'Lei 14.133/2021, Art. 75, II'
    await folder.write(
      'compras.csv',
      utf8(
        PURCHASE_HEADER,
        purchase('A', '00001/2024', basis, '30000,00'),
        purchase('B', '00002/2024', basis, '30000,00'),
        purchase('C', '00003/2024', 'Lei 14.133/2021, Art. 75, III, a', '59000,00'),
      ),
    )
    // Two commitments of one purchase are one share, so A alone is no group.
    await folder.write(
      'contratos.csv',
      utf8(
        CONTRACT_HEADER,
        contract('A', '11.444.777/0001-61', '15.000,00'),
        contract('A', '11444777000161', '15000,00'),
        contract('B', '11.444.777/0002-42', '29.906,02'),
      ),
    )
    await folder.write('atas_itens.csv', utf8(REGISTER_HEADER))
    const { findings, purchases } = await analyzeInstitute(folder.path)
    expect(purchases.source.rows).toBe(3)
    expect(findings.map((finding) => finding.rule)).toEqual(['threshold-splitting', 'price-outlier'])
    expect(findings[0]).toMatchObject({ population: { n: 2 }, statistics: { groups: 1, purchasesInGroups: 2, justBelow: 0 } })
  })
})
