import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const LOGGER = fileURLToPath(new URL('../src/logging/create-logger.ts', import.meta.url))
const ARGUMENTS = ['--conditions=@cidadao/source', '--input-type=module', '--eval']

const script = (body: string): string => `import { createLogger } from ${JSON.stringify(LOGGER)}\nconst logger = createLogger()\n${body}`
const run = (body: string) => spawnSync(process.execPath, [...ARGUMENTS, script(body)], { encoding: 'utf8', env: {} })

describe('the logger of a real process', () => {
  it('writes to standard error and leaves standard output to results', () => {
    const { stdout, stderr, status } = run(`logger.info('hello', { cpf: '123.456.789-09' }); process.stdout.write('{"result":1}')`)
    expect(status).toBe(0)
    expect(stdout).toBe('{"result":1}')
    expect(JSON.parse(stderr)).toMatchObject({ level: 'info', msg: 'hello', cpf: '***.456.789-**' })
  })

  it('loses no line when the process exits at once', () => {
    const { stderr, status } = run(`for (let i = 0; i < 5000; i++) logger.info('line', { i, filler: 'x'.repeat(100) }); process.exit(3)`)
    expect(status).toBe(3)
    expect(stderr.trim().split('\n')).toHaveLength(5_000)
  })

  it('loses no line when the process dies of an error', () => {
    const { stderr } = run(`logger.error('last words'); throw new Error('boom')`)
    expect(stderr).toContain('"msg":"last words"')
    expect(stderr).toContain('boom')
  })

  it('goes on when the reader of its lines has gone away', async () => {
    const child = spawn(process.execPath, [
      ...ARGUMENTS,
      script(`
        for (let i = 0; i < 200; i++) { logger.info('line', { i, filler: 'x'.repeat(1000) }); await new Promise((done) => setTimeout(done, 1)) }
        await logger.stop()
        process.stdout.write('finished')`),
    ])
    let stdout = ''
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()))
    child.stderr.once('data', () => child.stderr.destroy())
    const code = await new Promise((resolve) => child.once('exit', resolve))
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'finished' })
  })
})
