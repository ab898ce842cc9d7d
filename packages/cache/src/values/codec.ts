import { deserialize, serialize } from 'node:v8'
import { decode as decodeMessagePack, encode as encodeMessagePack } from '@msgpack/msgpack'
import type { Inspection } from './inspect.ts'
import { tag, untag, type BytesFormat } from './tagged.ts'

/** How values are written as bytes in the shared tiers. `v8` needs signed entries: its reader must not be given a stranger's bytes. */
export const CODEC_NAMES = ['json', 'msgpack', 'v8'] as const
export type CodecName = (typeof CODEC_NAMES)[number]

/** How a value is written as bytes and read back, identified in the envelope. Ids are for ever. */
export interface Codec {
  readonly id: number
  /** What reads it back can be harmed by bytes made for the purpose. */
  readonly trusting: boolean
  encode(value: unknown): Uint8Array
  decode(bytes: Buffer): unknown
}

const BASE64: BytesFormat = {
  write: (bytes) => bytes.toString('base64'),
  read: (written) => Buffer.from(written as string, 'base64'),
}

const RAW: BytesFormat = {
  write: (bytes) => bytes,
  read: (written) => {
    if (!(written instanceof Uint8Array)) throw new TypeError('bytes expected')
    return Buffer.from(written)
  },
}

/** Tagging adds up to four levels to each of a value's own, which `inspectValue` limits. */
const MESSAGE_PACK = { maxDepth: 1_024 } as const

/** For values that JSON reproduces exactly: the fast path. */
const plainJson: Codec = {
  id: 1,
  trusting: false,
  encode: (value) => Buffer.from(JSON.stringify(value)),
  decode: (bytes) => JSON.parse(bytes.toString('utf8')) as unknown,
}

const taggedJson: Codec = {
  id: 2,
  trusting: false,
  encode: (value) => Buffer.from(JSON.stringify(tag(value, BASE64))),
  decode: (bytes) => untag(JSON.parse(bytes.toString('utf8')), BASE64),
}

const plainMessagePack: Codec = {
  id: 3,
  trusting: false,
  encode: (value) => encodeMessagePack(value, MESSAGE_PACK),
  decode: (bytes) => decodeMessagePack(bytes),
}

const taggedMessagePack: Codec = {
  id: 4,
  trusting: false,
  encode: (value) => encodeMessagePack(tag(value, RAW), MESSAGE_PACK),
  decode: (bytes) => untag(decodeMessagePack(bytes), RAW),
}

const v8: Codec = { id: 5, trusting: true, encode: (value) => serialize(value), decode: (bytes) => deserialize(bytes) as unknown }

const CODECS: readonly Codec[] = [plainJson, taggedJson, plainMessagePack, taggedMessagePack, v8]

/** The codec for a value, by the policy's wish and by what the value is made of. */
export function codecFor(name: CodecName, { plain, jsonOnly }: Pick<Inspection, 'plain' | 'jsonOnly'>): Codec {
  if (name === 'json' || jsonOnly) return plain ? plainJson : taggedJson
  if (name === 'v8') return v8
  return plain ? plainMessagePack : taggedMessagePack
}

/** The codec of an entry read from a tier; `undefined` for one that this version does not know. */
export function codecById(id: number): Codec | undefined {
  return CODECS.find((codec) => codec.id === id)
}
