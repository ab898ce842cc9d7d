import type { ErrorRegistry } from '@prisma/driver-adapter-utils'

/** The error object of an answer, in the native engine's form: its command line reads `data`. */
export interface RpcFailure {
  readonly code: number
  readonly message: string
  readonly data: { readonly is_panic: boolean; readonly message: string; readonly error_code?: string; readonly meta?: unknown }
}

const ENGINE_FAILED = 4466
const METHOD_UNKNOWN = -32_601
const NOT_JSON = -32_700

export function engineFailure(message: string, errorCode: string | null = null): RpcFailure {
  const data = { is_panic: false, message, ...(errorCode === null ? {} : { error_code: errorCode }) }
  return { code: ENGINE_FAILED, message: 'the engine refused, see data', data }
}

export function enginePanic(message: string): RpcFailure {
  return { code: ENGINE_FAILED, message: 'the engine panicked, see data', data: { is_panic: true, message } }
}

export function methodUnknown(method: string): RpcFailure {
  const message = `this engine has no ${method}: it is the WebAssembly build, see tools/prisma-engine/README.md`
  return { code: METHOD_UNKNOWN, message, data: { is_panic: false, message } }
}

export function notJson(message: string): RpcFailure {
  return { code: NOT_JSON, message, data: { is_panic: false, message } }
}

/** An error that a driver threw passes the WebAssembly as a number only; `registry` keeps what it was. */
export function toRpcFailure(thrown: unknown, registry: ErrorRegistry): RpcFailure {
  const message = thrown instanceof Error ? thrown.message : String(thrown)
  const code = thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : null
  const id = /External error id#(\d+)/.exec(message)?.[1]
  const external = id === undefined ? undefined : registry.consumeError(Number(id))?.error
  return engineFailure(external instanceof Error ? external.message : message, code)
}

/** WebAssembly ends a panic by an instruction that traps. */
export function isPanic(thrown: unknown): boolean {
  return thrown instanceof WebAssembly.RuntimeError
}
