import { defineAgent } from '../../src/index.ts'
import { numberSchema } from './number-schema.ts'

export const agent = defineAgent({ name: 'square', version: '1', input: numberSchema, output: numberSchema, run: (n) => n * n })
