import { createWriteStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { formatBrazilianDate } from '../values/civil-date.ts'
import type { Money } from '../values/money.ts'
import { planAnomalies, type Plan, type PlantedAnomaly } from './planting.ts'
import { SeededRandom } from './random.ts'
import { ITEM_HEADER, ItemFactory, planDearItems, toItemLine } from './synthetic-items.ts'
import { resolveSyntheticOptions, type SyntheticOptions } from './synthetic-options.ts'
import { RowFactory, type SyntheticRow } from './synthetic-row.ts'

/** Contracts that nobody signed, in the format of the Portal, with anomalies whose places are known. */
export interface SyntheticPortal {
  /** As the Portal would name it: `202401_Compras.csv`. */
  readonly fileName: string
  /** What was planted, and where: what the rules must find, and nothing else. */
  readonly key: readonly PlantedAnomaly[]
  /** The file in ISO-8859-1, made piece by piece; may be read any number of times. */
  chunks(): Iterable<Buffer>
  /** The items of some of the contracts; `null` where none were asked for. */
  readonly items: SyntheticItems | null
}

export interface SyntheticItems {
  /** `202401_ItemCompra.csv`. */
  readonly fileName: string
  /** As those of the contracts. */
  chunks(): Iterable<Buffer>
}

const HEADER =
  '"Número do Contrato";"Objeto";"Fundamento Legal";"Modalidade Compra";"Situação Contrato";"Código Órgão Superior";' +
  '"Nome Órgão Superior";"Código Órgão";"Nome Órgão";"Código UG";"Nome UG";"Data Assinatura Contrato";"Data Publicação DOU";' +
  '"Data Início Vigência";"Data Fim Vigência";"Código Contratado";"Nome Contratado";"Valor Inicial Compra";"Valor Final Compra";' +
  '"Número Licitação";"Código UG Licitação";"Nome UG Licitação";"Código Modalidade Compra Licitação";"Modalidade Compra Licitação"'
const ROWS_PER_CHUNK = 400

/**
 * Describes a synthetic file; nothing is made before `chunks` is read. Every name in it says that it is synthetic.
 * Memory depends on the number of planted anomalies, not on that of contracts.
 */
export function generateSyntheticPortal(options: SyntheticOptions): SyntheticPortal {
  const resolved = resolveSyntheticOptions(options)
  const month = `${resolved.year}${String(resolved.month).padStart(2, '0')}`
  const [fileName, itemFileName] = [`${month}_Compras.csv`, `${month}_ItemCompra.csv`]
  const plan = planAnomalies(resolved, fileName, new SeededRandom(resolved.seed))
  const rowAt = rowsOf(new RowFactory(resolved), plan)
  const dear = planDearItems(resolved, itemFileName)
  const items = new ItemFactory({ ...resolved, rowAt, dear: dear.rows })
  return {
    fileName,
    key: [...plan.key, ...dear.key],
    chunks: () => makeChunks(HEADER, resolved.contracts, (index) => toLine(rowAt(index))),
    items:
      resolved.items === 0
        ? null
        : {
            fileName: itemFileName,
            chunks: () => makeChunks(ITEM_HEADER, resolved.items, (index) => toItemLine(items.at(index))),
          },
  }
}

function rowsOf(factory: RowFactory, { plantings }: Plan): (index: number) => SyntheticRow {
  return (index) => {
    const planting = plantings.get(index)
    return planting === undefined ? factory.ordinary(index) : factory.planted(index, planting)
  }
}

function* makeChunks(header: string, rows: number, lineAt: (index: number) => string): Generator<Buffer, void> {
  yield Buffer.from(`${header}\n`, 'latin1')
  for (let start = 0; start < rows; start += ROWS_PER_CHUNK) {
    let text = ''
    for (let index = start; index < Math.min(rows, start + ROWS_PER_CHUNK); index++) text += lineAt(index)
    yield Buffer.from(text, 'latin1')
  }
}

function toLine(row: SyntheticRow): string {
  const [organCode, organName] = row.superiorOrgan
  const [unitCode, unitName] = row.unit
  const [modalityCode, modality] = row.modality
  const [supplierCode, supplierName] = row.supplier
  const signed = formatBrazilianDate(row.signedOn)
  const fields = [
    row.number,
    'Objeto: CONTRATO SINTÉTICO PARA DEMONSTRAÇÃO, SEM RELAÇÃO COM CONTRATAÇÃO REAL',
    '',
    modality,
    'Não se aplica',
    organCode,
    organName,
    organCode,
    organName,
    unitCode,
    unitName,
    signed,
    formatBrazilianDate(row.publishedOn),
    signed,
    '',
    supplierCode,
    supplierName,
    toAmount(row.initialValue),
    toAmount(row.finalValue),
    '000012024',
    unitCode,
    unitName,
    modalityCode,
    modality,
  ]
  return `"${fields.join('";"')}"\n`
}

function toAmount(money: Money): string {
  const digits = money.toString().padStart(5, '0')
  return `${digits.slice(0, -4)},${digits.slice(-4)}`
}

export interface WrittenPortal {
  /** Of the contracts. */
  readonly path: string
  readonly key: readonly PlantedAnomaly[]
}

/** Writes the contracts, and the items where asked for, into `folder`, which is made if need be, as fast as the disk takes them. */
export async function writeSyntheticPortal(
  folder: string,
  options: SyntheticOptions & { readonly signal?: AbortSignal },
): Promise<WrittenPortal> {
  const { signal, ...wanted } = options
  const portal = generateSyntheticPortal(wanted)
  const path = join(folder, portal.fileName)
  await mkdir(folder, { recursive: true })
  const stop = signal === undefined ? {} : { signal }
  await pipeline(Readable.from(portal.chunks()), createWriteStream(path), stop)
  if (portal.items !== null) {
    await pipeline(Readable.from(portal.items.chunks()), createWriteStream(join(folder, portal.items.fileName)), stop)
  }
  return { path, key: portal.key }
}
