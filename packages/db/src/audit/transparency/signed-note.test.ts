import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { leafHash } from '../hash-chain.ts'
import { formatCheckpoint, parseCheckpoint, signCheckpoint, verifyCheckpoint } from './checkpoint.ts'
import { createNoteSigner, parseVerifierKey, type NoteSigner } from './note-key.ts'
import { cosignNote, parseNote, signNote, verifyNote } from './signed-note.ts'
import { formatTlogProof, parseTlogProof, verifyTlogProof } from './tlog-proof.ts'

const ORIGIN = 'audit.example/test'
const signerOf = (name: string, byte: number): NoteSigner => createNoteSigner(name, Buffer.alloc(32, byte))
const log = signerOf(ORIGIN, 1)
const witness = signerOf('witness.example', 2)
const TEXT = 'first line\n\nlast line of São Paulo\n'
const FORMAT_ERROR = { code: 'DB_AUDIT_FORMAT_INVALID' }

function caught(work: () => unknown): unknown {
  try {
    return work()
  } catch (thrown) {
    return thrown
  }
}

describe('note keys', () => {
  it('take a seed or a key object', () => {
    const { privateKey } = generateKeyPairSync('ed25519')
    const fromObject = createNoteSigner(ORIGIN, privateKey)
    const verifier = parseVerifierKey(fromObject.vkey)
    expect(verifier.verify(TEXT, fromObject.sign(TEXT))).toBe(true)
    expect(verifier.verify(`${TEXT}x`, fromObject.sign(TEXT))).toBe(false)
    expect(caught(() => createNoteSigner(ORIGIN, generateKeyPairSync('ed448').privateKey))).toMatchObject(FORMAT_ERROR)
    expect(caught(() => createNoteSigner(ORIGIN, Buffer.alloc(31)))).toMatchObject(FORMAT_ERROR)
  })

  it.each(['', 'two words', 'a+b', 'a\u00a0b', 'line\nfeed', 'a\ud800'])('refuse the name %j', (name) => {
    expect(caught(() => createNoteSigner(name, Buffer.alloc(32)))).toMatchObject(FORMAT_ERROR)
  })

  it('refuse a verifier key whose id, type, length or base64 is wrong', () => {
    const [name, id, key] = [ORIGIN, log.keyId, log.vkey.slice(ORIGIN.length + 10)]
    expect(parseVerifierKey(`${name}+${id}+${key}`)).toMatchObject({ name, keyId: id })
    const ecdsa = Buffer.from(key, 'base64')
    ecdsa[0] = 2
    for (const broken of [
      'no-plus',
      `${name}+00000000+${key}`,
      `other.example+${id}+${key}`,
      `${name}+${id}+${ecdsa.toString('base64')}`,
      `${name}+${id}+${key.slice(4)}`,
      `${name}+${id}+${key}\n`,
      `+${id}+${key}`,
    ]) {
      expect(
        caught(() => parseVerifierKey(broken)),
        broken,
      ).toMatchObject(FORMAT_ERROR)
    }
  })
})

describe('signed notes', () => {
  const verifiers = [parseVerifierKey(log.vkey), parseVerifierKey(witness.vkey)]

  it('carry a text with blank lines, and come back from it', () => {
    const note = signNote(TEXT, [log])
    expect(parseNote(note).text).toBe(TEXT)
    expect(verifyNote(note, verifiers)).toEqual({ outcome: 'verified', text: TEXT, signers: [{ name: ORIGIN, keyId: log.keyId }] })
  })

  it('take further signatures of witnesses, and name all whose keys are trusted', () => {
    const note = cosignNote(signNote(TEXT, [log]), [witness])
    expect(note).toBe(signNote(TEXT, [log, witness]))
    expect(verifyNote(note, verifiers)).toMatchObject({ signers: [{ name: ORIGIN }, { name: 'witness.example' }] })
    expect(verifyNote(note, verifiers.slice(1))).toMatchObject({ outcome: 'verified', signers: [{ name: 'witness.example' }] })
  })

  it('are refused with no trusted signature, with a changed text, and where a trusted key signed something else', () => {
    const note = signNote(TEXT, [log])
    expect(verifyNote(note, verifiers.slice(1))).toEqual({ outcome: 'refused', reason: 'no signature is by a trusted key' })
    expect(verifyNote(note.replace('first', 'First'), verifiers)).toMatchObject({ outcome: 'refused' })
    const foreign = signNote('something else\n', [witness]).split('\n\n')[1] ?? ''
    expect(verifyNote(note + foreign, verifiers)).toMatchObject({
      outcome: 'refused',
      reason: expect.stringContaining('witness.example') as string,
    })
  })

  it('ignore a signature that shares only the name, or only the id, with a trusted key', () => {
    const sameName = signerOf(ORIGIN, 9)
    const note = signNote(TEXT, [sameName, log])
    expect(verifyNote(note, verifiers)).toMatchObject({ outcome: 'verified', signers: [{ keyId: log.keyId }] })
    expect(verifyNote(signNote(TEXT, [sameName]), verifiers)).toMatchObject({ outcome: 'refused' })
  })

  it.each([
    ['no blank line', 'text\n— a AAAAAAA=\n'],
    ['no final line feed', 'text\n\n— a AAAAAAA='],
    ['no signature', 'text\n\n\n'],
    ['a hyphen for the dash', 'text\n\n- a AAAAAAA=\n'],
    ['two spaces', 'text\n\n—  a AAAAAAA=\n'],
    ['base64 without padding', 'text\n\n— a AAAAAAA\n'],
    ['a key id without a signature', 'text\n\n— a AAAAAA==\n'],
    ['a control character', 'te\txt\n\n— a AAAAAAA=\n'],
    ['a carriage return', 'text\r\n\n— a AAAAAAA=\n'],
    ['more than 100 signatures', `text\n\n${'— a AAAAAAA=\n'.repeat(101)}`],
    ['more than a mebibyte', `${'a'.repeat(1_048_576)}\n\n— a AAAAAAA=\n`],
  ])('are not notes with %s', (_name, note) => {
    expect(caught(() => parseNote(note))).toMatchObject(FORMAT_ERROR)
  })

  it('are not made of a text without its line feed, nor without a signer', () => {
    expect(caught(() => signNote('text', [log]))).toMatchObject(FORMAT_ERROR)
    expect(caught(() => signNote(TEXT, []))).toMatchObject(FORMAT_ERROR)
  })
})

describe('checkpoints', () => {
  const checkpoint = { origin: ORIGIN, size: 20_852_163, root: leafHash('root') }
  const rootText = checkpoint.root.toString('base64')

  it('come back from their text, extension lines or not', () => {
    expect(parseCheckpoint(formatCheckpoint(checkpoint))).toEqual(checkpoint)
    expect(parseCheckpoint(`${formatCheckpoint(checkpoint)}extension\n`)).toEqual(checkpoint)
  })

  it.each([
    ['two lines', `${ORIGIN}\n5\n`],
    ['no final line feed', `${ORIGIN}\n5\n${rootText}`],
    ['an empty origin', `\n5\n${rootText}\n`],
    ['an empty extension line', `${ORIGIN}\n5\n${rootText}\n\n`],
    ['a leading zero', `${ORIGIN}\n05\n${rootText}\n`],
    ['a sign', `${ORIGIN}\n+5\n${rootText}\n`],
    ['a size over 2^53', `${ORIGIN}\n9007199254740992\n${rootText}\n`],
    ['a short root', `${ORIGIN}\n5\nAAAA\n`],
    ['a root in hex', `${ORIGIN}\n5\n${checkpoint.root.toString('hex')}\n`],
  ])('are refused with %s', (_name, text) => {
    expect(caught(() => parseCheckpoint(text))).toMatchObject(FORMAT_ERROR)
  })

  it('are refused when made with a broken size, root or origin, or without the log as a signer', () => {
    for (const broken of [{ size: -1 }, { size: 1.5 }, { root: Buffer.alloc(31) }, { origin: '' }, { origin: 'a\nb' }]) {
      expect(caught(() => formatCheckpoint({ ...checkpoint, ...broken }))).toMatchObject(FORMAT_ERROR)
    }
    expect(caught(() => signCheckpoint(checkpoint, [witness]))).toMatchObject(FORMAT_ERROR)
  })

  it('are refused when a key of another log signed them', () => {
    const note = signNote(formatCheckpoint(checkpoint), [log, witness])
    expect(verifyCheckpoint(note, log.vkey)).toEqual({ outcome: 'verified', checkpoint })
    expect(verifyCheckpoint(note, witness.vkey)).toMatchObject({
      outcome: 'refused',
      reason: expect.stringContaining('not its origin') as string,
    })
    expect(verifyCheckpoint(note, signerOf(ORIGIN, 9).vkey)).toMatchObject({ outcome: 'refused' })
  })
})

describe('tlog proofs', () => {
  const leaf = leafHash('the only entry')
  const checkpointNote = signCheckpoint({ origin: ORIGIN, size: 1, root: leaf }, [log])
  const text = formatTlogProof({ index: 0, path: [], checkpointNote })

  it('stand alone, with and without extra data', () => {
    expect(text.split('\n').slice(0, 3)).toEqual(['c2sp.org/tlog-proof@v1', 'index 0', ''])
    expect(verifyTlogProof(text, leaf, log.vkey)).toMatchObject({ outcome: 'verified', index: 0, checkpoint: { size: 1 } })
    expect(parseTlogProof(text.replace('\nindex', '\nextra AAAA\nindex'))).toEqual({ index: 0, path: [], checkpointNote })
  })

  it('prove nothing of another entry, of another log, or beyond the tree', () => {
    expect(verifyTlogProof(text, leafHash('another'), log.vkey)).toMatchObject({ outcome: 'refused' })
    expect(verifyTlogProof(text, leaf, witness.vkey)).toMatchObject({ outcome: 'refused' })
    expect(verifyTlogProof(text.replace('index 0', 'index 1'), leaf, log.vkey)).toMatchObject({ outcome: 'refused' })
  })

  it.each([
    ['another header', text.replace('@v1', '@v2')],
    ['no index', text.replace('index 0\n', '')],
    ['a leading zero', text.replace('index 0', 'index 00')],
    ['a path that is not base64', text.replace('index 0\n', 'index 0\nnot base64\n')],
    ['no checkpoint', 'c2sp.org/tlog-proof@v1\nindex 0\n'],
  ])('are refused with %s', (_name, broken) => {
    expect(caught(() => parseTlogProof(broken))).toMatchObject(FORMAT_ERROR)
  })
})
