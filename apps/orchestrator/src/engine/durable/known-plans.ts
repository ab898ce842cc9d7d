import type { DatabaseTransaction } from '@cidadao/db'
import { planSchema, type Plan } from '../../plan/plan.ts'

const MAX_PLANS = 1_000

/** Plans read before, up to a bound: a revision never changes, so that one reading is enough. */
export class KnownPlans {
  readonly #plans = new Map<string, Plan>()

  async of(id: string, revision: number, runs: Pick<DatabaseTransaction['runs'], 'getPlan'>): Promise<Plan> {
    const key = `${id}/${revision}`
    const known = this.#plans.get(key)
    if (known !== undefined) return known
    const plan = planSchema.parse((await runs.getPlan(id, revision))?.plan)
    const [oldest] = this.#plans.keys()
    if (this.#plans.size >= MAX_PLANS && oldest !== undefined) this.#plans.delete(oldest)
    this.#plans.set(key, plan)
    return plan
  }
}
