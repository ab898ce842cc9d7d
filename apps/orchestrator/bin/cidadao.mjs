#!/usr/bin/env -S node --conditions=@cidadao/source --disable-warning=ExperimentalWarning
import { existsSync } from 'node:fs'

// Before anything that an old Node.js cannot even parse.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(
    `Node.js ${process.versions.node} is too old: cidadao needs 22.19 or newer. "npx cidadao" in the project uses the right one.\n`,
  )
  process.exit(1)
}

// In the workspace the sources run as they are; an image or a tarball carries only the build.
const source = new URL('../src/main.ts', import.meta.url)
await import(existsSync(source) ? source.href : new URL('../dist/main.js', import.meta.url).href)
