import { access, constants, mkdir, statfs } from 'node:fs/promises'
import { createServer } from 'node:net'
import { dirname } from 'node:path'
import type { Config } from '@cidadao/config'
import type { Language } from '../../../plan/question.ts'
import { bad, good, type Diagnosis } from './diagnosis.ts'

const LEAST_NODE = [22, 19] as const
const LEAST_FREE_BYTES = 512 * 1024 * 1024
const MIB = 1024 * 1024

export function checkNode(language: Language, version: string = process.versions.node): Diagnosis {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const least = LEAST_NODE.join('.')
  const enough = major > LEAST_NODE[0] || (major === LEAST_NODE[0] && minor >= LEAST_NODE[1])
  if (enough) return good(`v${version}`)
  return language === 'pt'
    ? bad(`v${version}, é preciso ${least} ou mais nova`, `instale o Node ${least} ou mais novo`)
    : bad(`v${version}, ${least} or newer is needed`, `install Node ${least} or newer`)
}

export async function checkDisk({ db }: Config, language: Language): Promise<Diagnosis> {
  const folder = dirname(db.dataDir)
  await mkdir(folder, { recursive: true })
  await access(folder, constants.W_OK)
  const { bavail, bsize } = await statfs(folder)
  const free = Math.round((bavail * bsize) / MIB)
  const detail = language === 'pt' ? `${free} MiB livres em ${folder}` : `${free} MiB free in ${folder}`
  if (bavail * bsize >= LEAST_FREE_BYTES) return good(detail)
  return bad(
    detail,
    language === 'pt'
      ? 'libere espaço, ou aponte CIDADAO_DATA_DIR para outro disco'
      : 'free some space, or set CIDADAO_DATA_DIR to another disk',
  )
}

export function checkPort({ http }: Config, language: Language): Promise<Diagnosis> {
  const { host, port } = http
  const pt = language === 'pt'
  if (port === 0) return Promise.resolve(good(pt ? `${host}, qualquer porta livre` : `${host}, any free port`))
  return new Promise((resolve) => {
    const probe = createServer()
    probe.once('error', (error) => {
      resolve(
        pt
          ? bad(
              `${host}:${port} não pode ser usada: ${error.message}`,
              'aponte CIDADAO_HTTP_HOST e CIDADAO_HTTP_PORT para um endereço livre; se é o próprio "cidadao start" que está ali, tudo bem',
            )
          : bad(
              `${host}:${port} cannot be listened on: ${error.message}`,
              'set CIDADAO_HTTP_HOST and CIDADAO_HTTP_PORT to a free address; if it is "cidadao start" that runs there, all is well',
            ),
      )
    })
    probe.listen(port, host, () => probe.close(() => resolve(good(pt ? `${host}:${port} está livre` : `${host}:${port} is free`))))
  })
}
