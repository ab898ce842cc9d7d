import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { SchemaEngine } from '@prisma/schema-engine-wasm'

export type SchemaEngineClass = typeof SchemaEngine

interface Bindings {
  readonly SchemaEngine: SchemaEngineClass
  __wbg_set_wasm(exports: WebAssembly.Exports): void
}

interface PanicRegistry {
  set_message(message: string): void
}

const BINDINGS = '@prisma/schema-engine-wasm/schema_engine_bg'

/**
 * The engine's WebAssembly, ready to use. The package's own entry imports the `.wasm` as a module, which Node.js only
 * takes as an experiment, so it is loaded by hand here.
 *
 * @param onPanic hears the words of a panic; what the caller gets afterwards says only `unreachable`
 */
export async function loadSchemaEngine(onPanic: (message: string) => void): Promise<SchemaEngineClass> {
  // The bindings look for this name on the global object, and for nothing else.
  const registry: PanicRegistry = { set_message: onPanic }
  Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: registry })
  const bindings = (await import(BINDINGS)) as Bindings & WebAssembly.ModuleImports
  const codeFile = createRequire(import.meta.url)
    .resolve(BINDINGS)
    .replace(/\.js$/, '.wasm')
  const { instance } = await WebAssembly.instantiate(await readFile(codeFile), { './schema_engine_bg.js': bindings })
  bindings.__wbg_set_wasm(instance.exports)
  // What it exports is a matter between the two files of one package.
  const { __wbindgen_start: start } = instance.exports as unknown as { __wbindgen_start: () => void }
  start()
  return bindings.SchemaEngine
}
