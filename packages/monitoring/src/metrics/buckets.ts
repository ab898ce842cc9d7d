/** Bounds in seconds. Each set has one at the objectives, 100 ms and where it applies 1 s. */

/** Database operations, as the semantic conventions of OpenTelemetry name them. */
export const DATABASE_BUCKETS: readonly number[] = Object.freeze([0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10])
/** HTTP requests, as the semantic conventions name them. */
export const HTTP_BUCKETS: readonly number[] = Object.freeze([0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10])
/** From a lookup in memory to a slow remote tier. */
export const CACHE_BUCKETS: readonly number[] = Object.freeze([0.000_01, 0.000_05, 0.000_1, 0.000_5, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1])
/** From a health check in memory to one that times out. */
export const CHECK_BUCKETS: readonly number[] = Object.freeze([0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 5])
/** One task of an agent. */
export const TASK_BUCKETS: readonly number[] = Object.freeze([0.005, 0.01, 0.05, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300])
/** A whole investigation. */
export const INVESTIGATION_BUCKETS: readonly number[] = Object.freeze([0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600])
export const GC_BUCKETS: readonly number[] = Object.freeze([0.000_1, 0.001, 0.01, 0.1, 1])
