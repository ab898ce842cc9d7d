import { defaultServerConditions } from 'vite'
import { defineConfig, type ViteUserConfig } from 'vitest/config'

/** What a package may choose about its tests; everything else is the same everywhere. */
export interface VitestPresetOptions {
  /** Package name, shown in reports. */
  readonly name: string
  /** Global set-ups that start real services before the tests, as module names or paths. @default [] */
  readonly globalSetup?: readonly string[]
  /** Longest time of one test, in milliseconds. @default 20_000 */
  readonly testTimeoutMs?: number
}

const CONDITIONS = ['@cidadao/source', ...defaultServerConditions]

/** The vitest configuration of every package: sources instead of `dist`, and a JSON report that the workspace sums up. */
export function vitestPreset(options: VitestPresetOptions): ViteUserConfig {
  const testTimeout = options.testTimeoutMs ?? 20_000
  return defineConfig({
    resolve: { conditions: CONDITIONS },
    ssr: { resolve: { conditions: CONDITIONS } },
    // Where vitest loads global set-ups; without it they would need everything built first.
    environments: { __vitest__: { resolve: { conditions: CONDITIONS } } },
    test: {
      name: options.name,
      environment: 'node',
      include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
      globalSetup: [...(options.globalSetup ?? [])],
      testTimeout,
      hookTimeout: Math.max(testTimeout, 60_000),
      reporters: ['default', ['json', { outputFile: 'test-output/vitest.json' }]],
      pool: 'forks',
      maxWorkers: 2,
      // With real servers on a machine that does other things too, CI tries once more; `npm test` names each test that
      // needed it.
      retry: process.env.CI === undefined ? 0 : 1,
      // A test that asserts nothing cannot fail.
      expect: { requireAssertions: true },
      restoreMocks: true,
      unstubEnvs: true,
    },
  })
}
