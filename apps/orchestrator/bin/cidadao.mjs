#!/usr/bin/env -S node --conditions=@cidadao/source --disable-warning=ExperimentalWarning
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
// As a whole: a name that an old Node.js does not have would end the import before anything could be said.
import nodeModule from 'node:module'
import { constants } from 'node:os'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'

// Before anything that an old Node.js cannot even parse.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(
    `cidadao: Node.js ${process.versions.node} is too old, 22.19 or newer is needed; "npx cidadao" in the project uses the right one\n`,
  )
  process.exit(1)
}

// In the workspace the sources run as they are; an image or a tarball carries only the build.
const source = new URL('../src/main.ts', import.meta.url)
const FLAGS = ['--conditions=@cidadao/source', '--disable-warning=ExperimentalWarning']

// Compiled code, TypeScript's types already taken out, is kept between runs: a third less work for a short command. In
// the project and not in the shared temporary folder, where others could put code for us to run. Where it cannot be
// written, nothing is kept.
const modules = new URL('../../../node_modules/', import.meta.url)
if (process.env.NODE_COMPILE_CACHE === undefined && existsSync(modules)) {
  const { directory } = nodeModule.enableCompileCache(fileURLToPath(new URL('.cache/cidadao', modules)))
  // Threads look here.
  if (directory !== undefined) process.env.NODE_COMPILE_CACHE = dirname(directory)
}

if (!existsSync(source)) await import(new URL('../dist/main.js', import.meta.url).href)
else if (process.execArgv.includes(FLAGS[0])) await import(source.href)
else startAgainWithFlags()

/** Whoever calls this file by a plain `node` has not read its first line. The same process where the system can do that. */
function startAgainWithFlags() {
  const args = [...process.execArgv, ...FLAGS, fileURLToPath(import.meta.url), ...process.argv.slice(2)]
  if (process.platform !== 'win32' && typeof process.execve === 'function') {
    process.execve(process.execPath, [process.execPath, ...args], process.env)
  }
  const child = spawn(process.execPath, args, { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}
