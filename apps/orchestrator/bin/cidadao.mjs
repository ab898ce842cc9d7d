#!/usr/bin/env -S node --conditions=@cidadao/source --disable-warning=ExperimentalWarning
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { constants } from 'node:os'
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
