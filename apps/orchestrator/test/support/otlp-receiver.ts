import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'

export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  /** Empty for a root. */
  readonly parentSpanId: string
  readonly name: string
  readonly startMs: number
  readonly endMs: number
  readonly attributes: Readonly<Record<string, string>>
  readonly links: readonly string[]
  readonly failed: boolean
}

export interface OtlpReceiver {
  readonly url: string
  readonly spans: ReceivedSpan[]
  readonly requests: { readonly path: string; readonly headers: IncomingHttpHeaders; readonly body: Buffer }[]
  /** What it answers from now on. */
  status: number
}

/** A collector that takes OTLP over HTTP as protobuf and keeps the spans. */
export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const receiver = { url: '', spans: [] as ReceivedSpan[], requests: [] as OtlpReceiver['requests'], status: 200 }
  const server = createServer((request, response) => {
    void buffer(request).then((body) => {
      receiver.requests.push({ path: request.url ?? '', headers: request.headers, body })
      if (receiver.status === 200) receiver.spans.push(...spansOf(body))
      response.writeHead(receiver.status, { 'content-type': 'application/x-protobuf' }).end()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return receiver
}

type Field = readonly [number: number, value: bigint | Buffer]

/** The wire format of protocol buffers: numbered fields, each a varint, eight bytes, or bytes with their length. */
function fieldsOf(message: Buffer): Field[] {
  const fields: Field[] = []
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at++] ?? 0
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  while (at < message.length) {
    const tag = Number(varint())
    const kind = tag & 7
    if (kind === 0) fields.push([tag >> 3, varint()])
    else if (kind === 1) fields.push([tag >> 3, message.readBigUInt64LE((at += 8) - 8)])
    else if (kind === 5) fields.push([tag >> 3, BigInt(message.readUInt32LE((at += 4) - 4))])
    else {
      const length = Number(varint())
      fields.push([tag >> 3, message.subarray(at, (at += length))])
    }
  }
  return fields
}

const bytes = (message: Buffer, number: number): Buffer[] =>
  fieldsOf(message).flatMap(([field, value]) => (field === number && Buffer.isBuffer(value) ? [value] : []))
const first = (message: Buffer, number: number): Buffer => bytes(message, number)[0] ?? Buffer.alloc(0)
const integer = (message: Buffer, number: number): bigint => {
  const value = fieldsOf(message).find(([field]) => field === number)?.[1]
  return typeof value === 'bigint' ? value : 0n
}

/** ExportTraceServiceRequest → resource_spans (1) → scope_spans (2) → spans (2). */
function spansOf(body: Buffer): ReceivedSpan[] {
  return bytes(body, 1).flatMap((resource) => bytes(resource, 2).flatMap((scope) => bytes(scope, 2).map(toSpan)))
}

function toSpan(span: Buffer): ReceivedSpan {
  return {
    traceId: first(span, 1).toString('hex'),
    spanId: first(span, 2).toString('hex'),
    parentSpanId: first(span, 4).toString('hex'),
    name: first(span, 5).toString(),
    startMs: Number(integer(span, 7) / 1_000n) / 1_000,
    endMs: Number(integer(span, 8) / 1_000n) / 1_000,
    attributes: Object.fromEntries(bytes(span, 9).map((pair) => [first(pair, 1).toString(), toText(first(pair, 2))])),
    links: bytes(span, 13).map((link) => first(link, 1).toString('hex')),
    failed: integer(first(span, 15), 3) === 2n,
  }
}

function toText(value: Buffer): string {
  const [field, content] = fieldsOf(value)[0] ?? []
  if (field === 2) return String(content === 1n)
  return Buffer.isBuffer(content) ? content.toString() : String(content)
}
