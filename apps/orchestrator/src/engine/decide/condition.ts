import type { JsonValue } from '@cidadao/contracts'
import type { Condition } from '../../plan/plan.ts'
import { isSameJson, partOf } from './json-part.ts'

/** Where the path leads nowhere, since the step gave no output or another one, only `missing` and `empty` hold. */
export function conditionHolds(condition: Condition, outputs: ReadonlyMap<string, JsonValue>): boolean {
  const found = partOf(outputs.get(condition.from), condition.path)
  switch (condition.operator) {
    case 'missing':
      return found === undefined
    case 'exists':
      return found !== undefined
    case 'empty':
      return isEmpty(found)
    case 'not_empty':
      return !isEmpty(found)
    case 'equals':
      return found !== undefined && isSameJson(found, condition.value)
    case 'not_equals':
      return found !== undefined && !isSameJson(found, condition.value)
    case 'contains':
      return contains(found, condition.value)
    default:
      return typeof found === 'number' && compares(found, condition.operator, condition.value)
  }
}

function isEmpty(value: JsonValue | undefined): boolean {
  if (value === undefined || value === null || value === '') return true
  return typeof value === 'object' && Object.keys(value).length === 0
}

function contains(value: JsonValue | undefined, wanted: JsonValue): boolean {
  if (typeof value === 'string') return typeof wanted === 'string' && value.includes(wanted)
  return Array.isArray(value) && value.some((item: JsonValue) => isSameJson(item, wanted))
}

function compares(found: number, operator: 'greater' | 'at_least' | 'less' | 'at_most', wanted: number): boolean {
  switch (operator) {
    case 'greater':
      return found > wanted
    case 'at_least':
      return found >= wanted
    case 'less':
      return found < wanted
    case 'at_most':
      return found <= wanted
  }
}
