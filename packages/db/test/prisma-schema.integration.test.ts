import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { PrismaPg } from '@prisma/adapter-pg'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Prisma, PrismaClient } from '../src/generated/prisma/client.ts'
import { createMigratedDatabase } from './fixtures/database-fixture.ts'

describe("Prisma's schema", () => {
  it('is valid by its own command line, without an engine or a network', async () => {
    const launcher = join(import.meta.dirname, '../../../tools/prisma.mjs')
    const { stdout } = await promisify(execFile)(process.execPath, [launcher, 'validate'])
    expect(stdout).toContain('is valid')
  })

  it('has only columns that the migrations make, in every model', async () => {
    const { url, drop } = await createMigratedDatabase()
    const prisma = new PrismaClient({ adapter: new PrismaPg(url) })
    onTestFinished(async () => {
      await prisma.$disconnect()
      await drop()
    })
    const delegates = prisma as unknown as Readonly<Record<string, { findMany(): Promise<unknown> }>>
    const models = Object.values(Prisma.ModelName)
    expect(models.length).toBeGreaterThan(0)
    for (const model of models) {
      const rows = await delegates[`${model.charAt(0).toLowerCase()}${model.slice(1)}`]?.findMany()
      expect(rows, model).toBeInstanceOf(Array)
    }
  })
})
