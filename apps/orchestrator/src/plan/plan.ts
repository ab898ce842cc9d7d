import type { JsonValue } from '@cidadao/contracts'
import { z } from 'zod'

/** When a step runs, given how the steps it depends on ended. */
export const UPSTREAM_RULES = ['all_success', 'all_done', 'one_failed'] as const
export type UpstreamRule = (typeof UPSTREAM_RULES)[number]

/** What becomes of the investigation when a step fails: end with the gap named, or end as an error. */
export const FAILURE_POLICIES = ['complete_with_gaps', 'fail'] as const
export type FailurePolicy = (typeof FAILURE_POLICIES)[number]

const STEP_ID = /^[a-z][a-z0-9-]{0,48}$/
const MAX_STEPS = 200

const jsonValue = z.json() as z.ZodType<JsonValue>

const stepInput = z.union([
  z.strictObject({ value: jsonValue }),
  z.strictObject({ from: z.string().regex(STEP_ID), path: z.array(z.string()).max(8).default([]) }),
])

const planStep = z.strictObject({
  id: z.string().regex(STEP_ID, 'must be lower-case letters, digits and dashes, at most 49'),
  agent: z.string().min(1).max(100),
  inputs: z.record(z.string(), stepInput),
  dependsOn: z.array(z.string()).max(MAX_STEPS),
  onUpstream: z.enum(UPSTREAM_RULES).default('all_success'),
  /** Without its result there is nothing to show: the investigation ends as an error, whatever `onStepFailure` says. */
  essential: z.boolean().default(false),
  timeoutMs: z.int().positive().max(86_400_000).default(600_000),
})

/** The shape of a plan; whether it makes sense as a whole is for `validatePlan`. */
export const planSchema = z.strictObject({
  version: z.literal(1),
  /** The rule template, or the planner, that made it. */
  madeBy: z.string().min(1).max(100),
  onStepFailure: z.enum(FAILURE_POLICIES),
  steps: z.array(planStep).min(1).max(MAX_STEPS),
})

/** A literal, or the output of an earlier step, optionally one part of it. */
export type StepInput = z.infer<typeof stepInput>
export type PlanStep = z.infer<typeof planStep>

/** A directed acyclic graph of steps, as data: nothing runs that is not written here. */
export type Plan = z.infer<typeof planSchema>
