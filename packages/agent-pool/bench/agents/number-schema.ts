import type { StandardSchema } from '@cidadao/contracts'

/** The cheapest schema there is, so that the pool is measured and not a validator. */
export const numberSchema: StandardSchema<number> = {
  '~standard': {
    version: 1,
    vendor: 'bench',
    validate: (value) => (typeof value === 'number' ? { value } : { issues: [{ message: 'must be a number' }] }),
  },
}
