/** Agents for worker threads. */
import { defineAgent, type InlineAgent } from '@cidadao/agent-pool'
import { z } from 'zod'

/** Never gives its thread back: only killing it ends it. */
export const loop: InlineAgent<'loop'> = defineAgent({
  name: 'loop',
  version: '1',
  description: 'Never ends.',
  input: z.looseObject({}),
  output: z.json(),
  run: () => {
    for (;;);
  },
})
