import { bytes, milliseconds, wholeNumber, wholeSeconds } from '../rules/number-rules.ts'
import { matching } from '../rules/text-rules.ts'
import { defineSection, type Section } from '../section.ts'
import { variable } from '../variable.ts'

/** The only source of how long data may be kept: the policies of the cache take their times from here. */
export interface CacheConfig {
  /** Data that changes often: sessions. */
  readonly ttlShortMs: number
  /** Data that is stable for a while: investigation results. */
  readonly ttlMediumMs: number
  /** Reference data. */
  readonly ttlLongMs: number
  /** Answers of other people's services. The original's 30 minutes fit none of its three classes. */
  readonly ttlApiResponsesMs: number
  /** Bounds of the memory tier; whichever is reached first holds. */
  readonly maxEntries: number
  readonly maxBytes: number
  /** Start of every key in a shared tier, so that two environments on one Redis cannot meet. */
  readonly keyPrefix: string
}

const ONE_YEAR_S = 31_536_000
const TTL_BOUNDS = { min: 1, max: ONE_YEAR_S } as const

export const cacheSection: Section<CacheConfig> = defineSection({
  name: 'cache',
  title: 'Cache',
  variables: {
    CACHE_TTL_SHORT: variable(wholeSeconds(TTL_BOUNDS), {
      field: 'cache.ttlShortMs',
      default: '300',
      presets: { production: '600' },
      doc: 'Seconds to keep what changes often (`user_sessions`).',
    }),
    CACHE_TTL_MEDIUM: variable(wholeSeconds(TTL_BOUNDS), {
      field: 'cache.ttlMediumMs',
      default: '3600',
      presets: { production: '7200' },
      doc: 'Seconds to keep what is stable for a while (`investigation_results`).',
    }),
    CACHE_TTL_LONG: variable(wholeSeconds(TTL_BOUNDS), {
      field: 'cache.ttlLongMs',
      default: '86400',
      presets: { production: '172800' },
      doc: 'Seconds to keep reference data (`reference_data`).',
    }),
    CIDADAO_CACHE_TTL_API_RESPONSES_MS: variable(milliseconds({ min: 1, max: ONE_YEAR_S * 1_000 }), {
      field: 'cache.ttlApiResponsesMs',
      default: '1800000',
      doc: 'How long to keep answers of other people’s services (`api_responses`).',
    }),
    CIDADAO_CACHE_MAX_ENTRIES: variable(wholeNumber({ min: 1, max: 100_000_000 }), {
      field: 'cache.maxEntries',
      default: '50000',
      doc: 'Most entries in the memory of a process.',
    }),
    CIDADAO_CACHE_MAX_BYTES: variable(bytes({ min: 1_024, max: 1_099_511_627_776 }), {
      field: 'cache.maxBytes',
      default: '67108864',
      doc: 'Most bytes in the memory of a process.',
    }),
    // Redis takes the prefix for a pattern in places, hence no `*`, `?`, `[`, `{`.
    CIDADAO_CACHE_KEY_PREFIX: variable(matching('1 to 64 letters, digits or any of _ : . -', /^[A-Za-z0-9_:.-]{1,64}$/), {
      field: 'cache.keyPrefix',
      default: 'cidadao:development',
      presets: { test: 'cidadao:test', production: 'cidadao:production' },
      doc: 'Start of every key in Redis; one for each environment that shares the server.',
    }),
  },
  contradictions: [
    {
      of: ['CACHE_TTL_SHORT', 'CACHE_TTL_MEDIUM'],
      find: ({ CACHE_TTL_SHORT: short, CACHE_TTL_MEDIUM: medium }) =>
        short > medium ? `must not exceed CACHE_TTL_MEDIUM, which is ${medium / 1_000}` : undefined,
    },
    {
      of: ['CACHE_TTL_MEDIUM', 'CACHE_TTL_LONG'],
      find: ({ CACHE_TTL_MEDIUM: medium, CACHE_TTL_LONG: long }) =>
        medium > long ? `must not exceed CACHE_TTL_LONG, which is ${long / 1_000}` : undefined,
    },
  ],
  build: (values) => ({
    ttlShortMs: values.CACHE_TTL_SHORT,
    ttlMediumMs: values.CACHE_TTL_MEDIUM,
    ttlLongMs: values.CACHE_TTL_LONG,
    ttlApiResponsesMs: values.CIDADAO_CACHE_TTL_API_RESPONSES_MS,
    maxEntries: values.CIDADAO_CACHE_MAX_ENTRIES,
    maxBytes: values.CIDADAO_CACHE_MAX_BYTES,
    keyPrefix: values.CIDADAO_CACHE_KEY_PREFIX,
  }),
})
