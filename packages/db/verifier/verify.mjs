// Verifies an export of the audit log, or a proof from it. It needs nothing but Node.js and shares no code with the writer
// of the log: read it before you trust it. What it computes, with H = SHA-256 and all text in UTF-8:
//   leaf(n) = H(00 . payload)                       the n-th line of the export, byte for byte
//   link(0) = H("cidadao-audit/v1/genesis" . 00 . origin)
//   link(n) = H("cidadao-audit/v1/link" . 00 . n as 8 bytes . link(n-1) . leaf(n))
//   root    = the RFC 6962 tree over the leaves, inner nodes H(01 . left . right); checkpoints are C2SP signed notes
import { createHash, createPublicKey, verify as verifySignature } from 'node:crypto'
import { createReadStream, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

const USAGE = `Verifies an export of the audit log, or a proof from it.

  node verify.mjs export.jsonl [--vkey KEY]... [--checkpoint FILE]... [--unsigned]
  node verify.mjs --proof entry.tlog-proof --vkey KEY...
  node verify.mjs --consistency proof.txt --old FILE --vkey KEY...
  --vkey KEY         the log's public key as you know it, not as the file says; once for each key the log has had
  --checkpoint FILE  a signed checkpoint that you kept yourself: the export has to contain exactly that history
  --old FILE         the older checkpoint, from which the newer one has to go on
  --unsigned         accept an export without any checkpoint: it can only agree with itself

Exit codes: 0 verified, 1 refused, 2 could not look (usage, or a file that cannot be read).
`

const H = (...parts) => parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest()
const readText = (path) => readFileSync(path, 'utf8')
const leafOf = (payload) => H(Buffer.of(0), payload)
const nodeOf = (left, right) => H(Buffer.of(1), left, right)
const unusable = (message) => Object.assign(new Error(message), { code: 'UNUSABLE' })
const equal = (one, other) => Buffer.compare(one, other) === 0

function demand(condition, message) {
  if (!condition) throw new Error(message)
}

function bytes(text, encoding, length, what) {
  const decoded = Buffer.from(String(text), encoding)
  demand(decoded.toString(encoding) === text && (length === undefined || decoded.length === length), `${what} is malformed`)
  return decoded
}

const hashes = (texts, encoding, what) => texts.map((text) => bytes(text, encoding, 32, what))

/** The tree of a growing list: the roots of its complete subtrees, largest first, each with its number of leaves. */
class Tree {
  size = 0
  parts = []
  add(root, leaves = 1) {
    this.size += leaves
    let part = { root, leaves }
    while (this.parts.at(-1)?.leaves === part.leaves) part = { root: nodeOf(this.parts.pop().root, part.root), leaves: part.leaves * 2 }
    this.parts.push(part)
  }
  root() {
    return this.parts.length === 0 ? H() : this.parts.map(({ root }) => root).reduceRight((right, left) => nodeOf(left, right))
  }
}

/** The tree of the entries before an export, from its header. */
function treeBefore(size, roots) {
  const tree = new Tree()
  for (const root of roots) tree.add(root, 2 ** Math.floor(Math.log2(Math.max(size - tree.size, 1))))
  demand(tree.size === size && tree.parts.length === roots.length, 'the header has not the subtrees of the entries before it')
  return tree
}

/** The largest power of two below `size`: where RFC 6962 cuts a tree. */
const splitOf = (size) => 2 ** (Math.ceil(Math.log2(size)) - 1)

/** The root that an audit path leads to; its last hash is the other half of the whole tree. */
function rootByInclusion(leaf, index, size, path) {
  demand(index < size && (path.length > 0 || size === 1) && (path.length === 0 || size > 1), 'the path has not the length of the tree')
  if (size === 1) return leaf
  const [split, half, rest] = [splitOf(size), path.at(-1), path.slice(0, -1)]
  if (index < split) return nodeOf(rootByInclusion(leaf, index, split, rest), half)
  return nodeOf(half, rootByInclusion(leaf, index - split, size - split, rest))
}

/** Roots of the old and the new tree by a consistency proof; `known` is the old root where that tree is a whole subtree. */
function rootsByConsistency(oldSize, size, proof, known) {
  demand(proof.length > 0 || (oldSize === size && known !== undefined), 'the consistency proof is too short')
  const [half, rest] = [proof.at(-1), proof.slice(0, -1)]
  if (oldSize === size) {
    demand(proof.length === (known === undefined ? 1 : 0), 'the consistency proof is too long')
    return [known ?? half, known ?? half]
  }
  const split = splitOf(size)
  if (oldSize > split) return rootsByConsistency(oldSize - split, size - split, rest).map((root) => nodeOf(half, root))
  const [old, fresh] = rootsByConsistency(oldSize, split, rest, known)
  return [old, nodeOf(fresh, half)]
}

function demandConsistent(older, newer, proof) {
  demand(older.size <= newer.size, `the older checkpoint has ${older.size} entries, the newer one only ${newer.size}`)
  const roots = older.size === 0 ? [H(), newer.root] : rootsByConsistency(older.size, newer.size, proof, older.root)
  demand(equal(roots[0], older.root) && equal(roots[1], newer.root), 'the newer checkpoint does not go on from the older one')
}

/** name+id+base64(01 . 32 bytes), the id being the first bytes of H(name . LF . 01 . key). */
function parseKey(vkey) {
  const [, name, id, encoded] = /^([^+\s]+)\+([0-9a-f]{8})\+(.+)$/.exec(vkey) ?? []
  const key = Buffer.from(encoded ?? '', 'base64')
  const isKey = key.length === 33 && key[0] === 1 && H(`${name}\n`, key).subarray(0, 4).toString('hex') === id
  if (!isKey) throw unusable(`this is no Ed25519 verifier key: ${vkey}`)
  const der = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), key.subarray(1)])
  return { name, id, publicKey: createPublicKey({ key: der, format: 'der', type: 'spki' }) }
}

/** Origin, size and root of a note that one of the keys signed, and none of them wrongly. */
function openNote(note, keys) {
  const border = note.lastIndexOf('\n\n')
  demand(border > 0 && note.endsWith('\n'), 'a checkpoint is no signed note')
  const text = note.slice(0, border + 1)
  const [origin, size, root, ...extensions] = text.split('\n')
  let signatures = 0
  for (const line of note.slice(border + 2, -1).split('\n')) {
    const [, name, encoded] = /^\u2014 (\S+) (\S+)$/.exec(line) ?? []
    demand(name !== undefined, 'a signature line of the checkpoint is malformed')
    const signature = bytes(encoded, 'base64', undefined, 'a signature of the checkpoint')
    const key = keys.find((one) => one.name === name && one.id === signature.subarray(0, 4).toString('hex') && one.name === origin)
    if (key === undefined) continue
    demand(verifySignature(null, Buffer.from(text), key.publicKey, signature.subarray(4)), `the signature of ${name} is wrong`)
    signatures += 1
  }
  demand(signatures > 0, `no signature of the checkpoint is by a key of ${origin} that is given`)
  demand(extensions.at(-1) === '', 'the text of the checkpoint is malformed')
  demand(/^(0|[1-9][0-9]{0,14})$/.test(size), `the size of the checkpoint is no whole number: ${size}`)
  return { origin, size: Number(size), root: bytes(root, 'base64', 32, 'the root of the checkpoint') }
}

/** Lines as bytes, cut at line feeds alone: an entry may contain every other line separator there is. */
async function* linesOf(path) {
  let rest = Buffer.alloc(0)
  for await (const chunk of path === '-' ? process.stdin : createReadStream(path)) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let start = 0
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10, start)) {
      yield rest.subarray(start, end)
      start = end + 1
    }
    rest = rest.subarray(start)
  }
  demand(rest.length === 0, 'the last line is cut off')
}

async function verifyExport(path, { keys, ownNotes, unsigned }) {
  const lines = linesOf(path)
  const readLine = async () => (await lines.next()).value ?? demand(false, 'the file ends too early')
  const header = parseLine(await readLine(), 'cidadao-audit-export/v1')
  const { origin, from, to } = header
  demand(typeof origin === 'string' && Number.isSafeInteger(from) && from >= 1 && Number.isSafeInteger(to) && to >= from - 1, 'bad header')
  const trusted = keys.length > 0 ? keys : header.vkeys.map(parseKey)
  const signed = header.checkpoint === null ? undefined : openNote(header.checkpoint, trusted)
  const notes = [...(signed ? [signed] : []), ...ownNotes.map((note) => openNote(note, trusted))]
  demand(notes.length > 0 || unsigned, 'the export has no signed checkpoint: it agrees with itself at best')
  const tree = treeBefore(from - 1, hashes(header.frontier, 'hex', 'a subtree of the header'))
  let link = from === 1 ? H('cidadao-audit/v1/genesis\0', origin) : bytes(header.prev, 'hex', 32, 'the first previous hash')
  demand(link.toString('hex') === header.prev, 'the first previous hash is not the beginning of this log')
  const roots = new Map()
  for (;;) {
    if (notes.some(({ size }) => size === tree.size)) roots.set(tree.size, tree.root())
    if (tree.size === to) break
    const payload = await readLine()
    demand(parseLine(payload).log === origin, `entry ${tree.size + 1} is of another log`)
    const [leaf, number] = [leafOf(payload), Buffer.alloc(8)]
    tree.add(leaf)
    number.writeBigUInt64BE(BigInt(tree.size))
    link = H('cidadao-audit/v1/link\0', number, link, leaf)
  }
  const footer = parseLine(await readLine(), 'cidadao-audit-export/v1/end')
  demand((await lines.next()).done, 'something follows the last line')
  demand(footer.hash_chain === link.toString('hex'), 'the chain does not end as the last line says')
  let covered = 0
  for (const note of notes) {
    demand(note.origin === origin, `a checkpoint is of ${note.origin}, the export of ${origin}`)
    if (note === signed && note.size > to) {
      const proof = hashes(footer.consistency, 'base64', 'the consistency proof')
      demandConsistent({ size: to, root: tree.root() }, note, proof)
    } else {
      demand(roots.has(note.size), `the checkpoint of ${note.size} entries says nothing of the entries ${from} to ${to}`)
      demand(equal(roots.get(note.size), note.root), `the first ${note.size} entries are not those of the checkpoint`)
    }
    covered = Math.max(covered, Math.min(note.size, to))
  }
  const said = [`verified: entries ${from} to ${to} of ${origin}`, `  chain    ends in ${link.toString('hex')}`]
  if (covered >= from) said.push(`  signed   entries up to ${covered}`)
  if (covered < to) said.push(`  UNSIGNED entries ${Math.max(covered + 1, from)} to ${to}: who writes the log can still change them`)
  if (from > 1) said.push(`  before   entry ${from} nothing was looked at but hashes`)
  if (keys.length === 0 && signed) said.push(`  KEY      taken from the file itself; is it the one you know? ${header.vkeys.join(' ')}`)
  return said
}

function parseLine(line, format) {
  const value = JSON.parse(line)
  const isRight = typeof value === 'object' && value !== null && (format === undefined || value.format === format)
  demand(isRight, `a line is not of the format ${format}`)
  return value
}

function verifyProof(text, keys) {
  const [head, note] = splitProof(text)
  const [version, extra, index, ...path] = head.split('\n')
  demand(version === 'c2sp.org/tlog-proof@v1' && extra?.startsWith('extra ') && index?.startsWith('index '), 'this is no proof of an entry')
  const payload = bytes(extra.slice(6), 'base64', undefined, 'the entry')
  const at = Number(index.slice(6))
  demand(index === `index ${at}` && Number.isSafeInteger(at) && at >= 0, 'the index is no whole number')
  const signed = openNote(note, keys)
  const root = rootByInclusion(leafOf(payload), at, signed.size, hashes(path, 'base64', 'the path'))
  demand(equal(root, signed.root), 'the path does not lead from the entry to the signed root')
  demand(parseLine(payload).log === signed.origin, 'the entry is of another log')
  return [`verified: this is entry ${at + 1} of the ${signed.size} entries of ${signed.origin}`, payload.toString()]
}

function verifyConsistencyProof(text, oldNote, keys) {
  const [head, note] = splitProof(text)
  const [old, ...proof] = head.split('\n')
  const [older, newer] = [openNote(oldNote, keys), openNote(note, keys)]
  demand(older.origin === newer.origin, 'the two checkpoints are of two logs')
  demand(old === `old ${older.size}`, `the proof begins with "${old}", the older checkpoint has ${older.size} entries`)
  demandConsistent(older, newer, hashes(proof, 'base64', 'the proof'))
  return [`verified: the ${newer.size} entries of ${newer.origin} go on from the ${older.size} of the older checkpoint, unchanged`]
}

function splitProof(text) {
  const border = text.indexOf('\n\n')
  demand(border > 0, 'a blank line and a checkpoint are missing')
  return [text.slice(0, border), text.slice(border + 2)]
}

async function main() {
  const [one, many] = [{ type: 'string' }, { type: 'string', multiple: true, default: [] }]
  const options = { vkey: many, checkpoint: many, proof: one, consistency: one, old: one, unsigned: { type: 'boolean' } }
  const { values, positionals } = parseArgs({ options, allowPositionals: true })
  const keys = values.vkey.map(parseKey)
  if (values.proof === undefined && values.consistency === undefined) {
    if (positionals.length !== 1) throw unusable(USAGE)
    return verifyExport(positionals[0], { keys, ownNotes: values.checkpoint.map(readText), unsigned: values.unsigned })
  }
  if (keys.length === 0 || positionals.length > 0 || (values.proof ?? values.old) === undefined) throw unusable(USAGE)
  if (values.proof !== undefined) return verifyProof(readText(values.proof), keys)
  return verifyConsistencyProof(readText(values.consistency), readText(values.old), keys)
}

try {
  process.stdout.write(`${(await main()).join('\n')}\n`)
} catch (error) {
  // Files that cannot be read and options that do not exist have a code; whatever else goes wrong is the file's fault.
  const isRefused = error.code === undefined
  process.stderr.write(isRefused ? `REFUSED: ${error.message}\n` : `${error.message}\n`)
  process.exitCode = isRefused ? 1 : 2
}
