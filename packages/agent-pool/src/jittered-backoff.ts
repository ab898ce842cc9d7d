import { ExponentialBackoff, noJitterGenerator } from 'cockatiel'

export type Backoff = ReturnType<ExponentialBackoff<number>['next']>

/** Doubling delays, each shortened by up to a half at random, so that those that failed together do not try together. */
export function jitteredBackoff(limits: { readonly initialMs: number; readonly maxMs: number }, random: () => number): Backoff {
  return new ExponentialBackoff<number>({
    initialDelay: limits.initialMs,
    maxDelay: limits.maxMs,
    generator: (attempts, options) => {
      const [delay, next] = noJitterGenerator(attempts, options)
      return [Math.ceil((delay + random() * delay) / 2), next]
    },
  }).next()
}
