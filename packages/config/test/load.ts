import { ConfigError, loadConfig, type Config, type LoadConfigOptions } from '../src/index.ts'

/** Loads from these variables alone: no `.env`, nothing of the machine. */
export function load(env: Readonly<Record<string, string>> = {}, options: LoadConfigOptions = {}): Config {
  return loadConfig({ env, envFiles: [], ...options })
}

/** The error that these variables give. */
export function failureOf(env: Readonly<Record<string, string>>, options: LoadConfigOptions = {}): ConfigError {
  try {
    load(env, options)
  } catch (thrown) {
    if (thrown instanceof ConfigError) return thrown
    throw thrown
  }
  throw new Error('nothing was refused')
}
