/**
 * Deficit round robin: every tenant in turn receives the same credit and spends it on its runs, so that who submits a
 * thousand runs gets no more than who submits one. Costs above the credit of one round are saved up for.
 */
export class TenantRing {
  /** Insertion order is the order of the ring; whoever has had their turn goes to the end. */
  readonly #credit = new Map<string, number>()

  add(tenant: string): void {
    if (!this.#credit.has(tenant)) this.#credit.set(tenant, 0)
  }

  /** A tenant with nothing left to run keeps no credit: none can save up while idle. */
  delete(tenant: string): void {
    this.#credit.delete(tenant)
  }

  /**
   * Whose turn it is among `candidates`, the cost of each one's next run. Tenants that wait but cannot run now keep
   * their place and credit.
   */
  next(candidates: ReadonlyMap<string, number>): string | undefined {
    this.#skipIdleRounds(candidates)
    for (;;) {
      const turn = this.#firstOf(candidates)
      if (turn === undefined) return undefined
      const { tenant, credit, cost } = turn
      if (credit >= cost) {
        this.#credit.set(tenant, credit - cost)
        return tenant
      }
      this.#credit.delete(tenant)
      this.#credit.set(tenant, credit + 1)
    }
  }

  #firstOf(candidates: ReadonlyMap<string, number>): { tenant: string; credit: number; cost: number } | undefined {
    for (const [tenant, credit] of this.#credit) {
      const cost = candidates.get(tenant)
      if (cost !== undefined) return { tenant, credit, cost }
    }
    return undefined
  }

  /** Whole rounds in which nobody could afford anything are credited at once: a cost of a million is no million turns. */
  #skipIdleRounds(candidates: ReadonlyMap<string, number>): void {
    let rounds = Number.POSITIVE_INFINITY
    for (const [tenant, cost] of candidates) rounds = Math.min(rounds, cost - (this.#credit.get(tenant) ?? 0) - 1)
    if (rounds <= 0 || rounds === Number.POSITIVE_INFINITY) return
    for (const tenant of candidates.keys()) this.#credit.set(tenant, (this.#credit.get(tenant) ?? 0) + rounds)
  }
}
