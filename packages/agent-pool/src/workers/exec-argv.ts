const SOURCE_CONDITION = '@cidadao/source'

/** Node's options that a worker may be given and that decide how it loads modules. */
const LOADING_FLAG =
  /^(--conditions|-C|--import|--require|-r|--(experimental-)?loader|--enable-source-maps|--(no-)?experimental-[a-z-]+)(=|$)/
const FLAGS_WITH_SEPARATE_VALUE = new Set(['-C', '--conditions', '--import', '--require', '-r', '--loader', '--experimental-loader'])

/**
 * Options of the threads. Nothing by default: a worker inherits those of the process. Run from source without the
 * workspace's source condition (a test runner resolves modules by itself), the threads need it all the same; then the
 * list is spelt out, without the options of the process as a whole, which Node refuses to a worker.
 */
export function workerExecArgv(workerModule: URL, execArgv: readonly string[]): readonly string[] | undefined {
  if (!/\.[cm]?ts$/.test(workerModule.pathname)) return undefined
  if (execArgv.some((flag) => flag.includes(SOURCE_CONDITION))) return undefined
  return [...loadingFlags(execArgv), `--conditions=${SOURCE_CONDITION}`]
}

function loadingFlags(execArgv: readonly string[]): readonly string[] {
  return execArgv.filter((flag, index) => LOADING_FLAG.test(flag) || FLAGS_WITH_SEPARATE_VALUE.has(execArgv[index - 1] ?? ''))
}
