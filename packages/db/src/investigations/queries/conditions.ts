import type { InvestigationStatus } from '../investigation-status.ts'
import { requireConfidence, requireInstant, requireStatus } from '../investigation-validation.ts'
import { requireOwner, type OwnerScope } from '../owner-scope.ts'

/** When an investigation was created. */
export interface CreationRange {
  /** Earliest creation, inclusive. */
  readonly createdFrom?: Date
  /** Latest creation, exclusive. */
  readonly createdTo?: Date
}

/** The conditions of a query, in the order in which their parameters are numbered. */
export class Conditions {
  readonly values: unknown[] = []
  readonly #texts: string[] = []

  /** `text` makes the condition of the names of its parameters, `$1` and so on. */
  add(text: (...parameters: readonly string[]) => string, ...values: readonly unknown[]): void {
    const parameters = values.map((value) => this.parameter(value))
    this.#texts.push(text(...parameters))
  }

  parameter(value: unknown): string {
    return `$${this.values.push(value)}`
  }

  addOwner(scope: OwnerScope): void {
    const owner = requireOwner(scope)
    if (owner === null) this.add(() => 'user_id IS NULL')
    else if (owner !== undefined) this.add((parameter) => `user_id = ${parameter}`, owner)
  }

  addCreation({ createdFrom, createdTo }: CreationRange): void {
    if (createdFrom !== undefined) {
      this.add((parameter) => `created_at >= ${parameter}`, requireInstant('createdFrom', createdFrom))
    }
    if (createdTo !== undefined) this.add((parameter) => `created_at < ${parameter}`, requireInstant('createdTo', createdTo))
  }

  /** With one status the index gives the order too; with several the rows have to be sorted. */
  addStatus(status: InvestigationStatus | readonly InvestigationStatus[] | undefined): void {
    if (status === undefined) return
    const statuses = [status].flat().map(requireStatus)
    if (statuses.length === 1) this.add((parameter) => `status = ${parameter}`, statuses[0])
    else this.add((parameter) => `status = ANY (${parameter}::text[])`, statuses)
  }

  addConfidence(operator: '>=' | '<=', confidence: number | undefined): void {
    if (confidence === undefined) return
    this.add((parameter) => `confidence_score ${operator} ${parameter}`, requireConfidence(confidence))
  }

  /** The whole clause; empty where there is no condition. */
  get where(): string {
    return this.#texts.length === 0 ? '' : `WHERE ${this.#texts.join(' AND ')}`
  }
}
