import type { JsonValue } from '@cidadao/contracts'
import { z } from 'zod'

/** When a step runs, given how the steps it depends on ended. */
export const UPSTREAM_RULES = ['all_success', 'all_done', 'one_failed'] as const
export type UpstreamRule = (typeof UPSTREAM_RULES)[number]

/** Conditions that look at one value alone. */
export const SHAPE_OPERATORS = ['exists', 'missing', 'empty', 'not_empty'] as const
/** Conditions that compare with any JSON value; `contains` looks into a list or a text. */
export const VALUE_OPERATORS = ['equals', 'not_equals', 'contains'] as const
/** Conditions between numbers. */
export const ORDER_OPERATORS = ['greater', 'at_least', 'less', 'at_most'] as const

/** What a fan-out does when items fail: go on and keep what there is, go on and fail at the end, or stop at the first. */
export const ITEM_FAILURE_POLICIES = ['continue', 'fail', 'stop'] as const
export type ItemFailurePolicy = (typeof ITEM_FAILURE_POLICIES)[number]

/** What a refused approval means: the step failed, or it completed with `approved: false` for later conditions to look at. */
export const REFUSAL_POLICIES = ['fail', 'continue'] as const
/** What it means that nobody answered in time. */
export const APPROVAL_TIMEOUT_POLICIES = ['refuse', 'approve'] as const

export const STEP_ID = /^[a-z][a-z0-9-]{0,48}$/
export const MAX_STEPS = 200
/** Most items of one fan-out. */
export const MAX_ITEMS = 10_000
const MAX_PARALLEL = 100
const DAY_MS = 86_400_000
/** Longest wait for a person, and longest investigation. */
export const MAX_WAIT_MS: number = 30 * DAY_MS

const jsonValue = z.json() as z.ZodType<JsonValue>
const stepId = z.string().regex(STEP_ID, 'must be lower-case letters, digits and dashes, at most 49')
const path = z.array(z.string().max(200)).max(8)

const stepInput = z.union([
  z.strictObject({ value: jsonValue }),
  z.strictObject({ from: stepId, path: path.default([]) }),
  /** The item of a fan-out, or a part of it. */
  z.strictObject({ item: path }),
])

const looksAt = { from: stepId, path: path.default([]) }
const condition = z.discriminatedUnion('operator', [
  z.strictObject({ ...looksAt, operator: z.enum(SHAPE_OPERATORS) }),
  z.strictObject({ ...looksAt, operator: z.enum(VALUE_OPERATORS), value: jsonValue }),
  z.strictObject({ ...looksAt, operator: z.enum(ORDER_OPERATORS), value: z.number() }),
])

const forEach = z.strictObject({
  ...looksAt,
  /** A longer list fails the step. */
  maxItems: z.int().positive().max(MAX_ITEMS).default(1_000),
  maxParallel: z.int().positive().max(MAX_PARALLEL).default(8),
  onItemFailure: z.enum(ITEM_FAILURE_POLICIES).default('continue'),
})

const retry = z.strictObject({
  /** Tries in all, the first included; only transient failures are repeated. */
  maxAttempts: z.int().positive().max(10).default(1),
  /** Pause before the second try, doubling from then on, each shortened by up to a half. */
  initialMs: z.int().positive().max(DAY_MS).default(1_000),
  maxMs: z.int().positive().max(DAY_MS).default(60_000),
})

const common = {
  id: stepId,
  dependsOn: z.array(z.string()).max(MAX_STEPS),
  onUpstream: z.enum(UPSTREAM_RULES).default('all_success'),
  /** Looked at once everything before the step has ended; where it does not hold, the step is skipped, which is no gap. */
  when: condition.optional(),
  /** Without its result there is nothing to show: the investigation ends as an error, whatever `onStepFailure` says. */
  essential: z.boolean().default(false),
}

const agentStep = z.strictObject({
  // Optional as well, so that a step that does not say what it is finds its way here.
  kind: z.literal('agent').optional().default('agent'),
  ...common,
  agent: z.string().min(1).max(100),
  inputs: z.record(z.string(), stepInput),
  /** Of one try, or of one try of one item. */
  timeoutMs: z.int().positive().max(DAY_MS).default(600_000),
  retry: retry.default({ maxAttempts: 1, initialMs: 1_000, maxMs: 60_000 }),
  /** Once for each item of a list that an earlier step gave; the result is the list of outcomes, in the order of the items. */
  forEach: forEach.optional(),
  /** Whether its result may append steps to the plan. */
  mayReplan: z.boolean().default(false),
})

const approvalStep = z.strictObject({
  kind: z.literal('approval'),
  ...common,
  /** What is to be decided, for people. */
  question: z.string().min(1).max(500),
  /** What they should see. */
  inputs: z.record(z.string(), stepInput).default({}),
  /** Longest wait for an answer. */
  timeoutMs: z.int().positive().max(MAX_WAIT_MS).default(DAY_MS),
  onRefusal: z.enum(REFUSAL_POLICIES).default('fail'),
  onTimeout: z.enum(APPROVAL_TIMEOUT_POLICIES).default('refuse'),
})

/** Work for an agent, or a question to a person. */
export const planStepSchema = z.discriminatedUnion('kind', [agentStep, approvalStep])

/** A literal, the output of an earlier step or a part of it, or the item of a fan-out or a part of it. */
export type StepInput = z.infer<typeof stepInput>
export type Condition = z.infer<typeof condition>
export type ForEach = z.infer<typeof forEach>
export type StepRetry = z.infer<typeof retry>
export type AgentStep = z.infer<typeof agentStep>
export type ApprovalStep = z.infer<typeof approvalStep>
export type PlanStep = z.infer<typeof planStepSchema>
