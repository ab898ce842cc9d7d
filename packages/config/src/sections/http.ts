import { bytes, milliseconds, wholeNumber } from '../rules/number-rules.ts'
import { host, secretText } from '../rules/text-rules.ts'
import type { Secret } from '../secret.ts'
import { defineSection, type Section } from '../section.ts'
import { optionalVariable, variable } from '../variable.ts'

export interface HttpConfig {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  readonly bodyLimitBytes: number
  /** From not-ready to no longer accepting, so that load balancers notice first. */
  readonly drainDelayMs: number
  /** For requests in flight to end, after that they are cut. */
  readonly shutdownGraceMs: number
  /** Key that callers must present; absent: the application decides, for instance by a key of its own on loopback. */
  readonly apiKey?: Secret
}

export const httpSection: Section<HttpConfig> = defineSection({
  name: 'http',
  title: 'HTTP',
  variables: {
    CIDADAO_HTTP_HOST: variable(host, {
      field: 'http.host',
      default: '127.0.0.1',
      doc: 'Address to listen on; `0.0.0.0` or `::` for all.',
    }),
    CIDADAO_HTTP_PORT: variable(wholeNumber({ min: 0, max: 65_535 }), {
      field: 'http.port',
      default: '8420',
      presets: { test: '0' },
      doc: 'Port to listen on; 0 for any free one.',
    }),
    CIDADAO_HTTP_BODY_LIMIT_BYTES: variable(bytes({ min: 1_024, max: 1_073_741_824 }), {
      field: 'http.bodyLimitBytes',
      default: '1048576',
      doc: 'Largest request body.',
    }),
    CIDADAO_HTTP_DRAIN_DELAY_MS: variable(milliseconds({ min: 0, max: 600_000 }), {
      field: 'http.drainDelayMs',
      default: '0',
      presets: { production: '5000' },
      doc: 'Wait between reporting not ready and closing the port, for load balancers to notice.',
    }),
    CIDADAO_HTTP_SHUTDOWN_GRACE_MS: variable(milliseconds({ min: 0, max: 600_000 }), {
      field: 'http.shutdownGraceMs',
      default: '10000',
      presets: { test: '1000' },
      doc: 'Time for requests in flight to end on shutdown.',
    }),
    CIDADAO_API_KEY: optionalVariable(secretText('at least 16 printable ASCII characters without spaces', /^[\x21-\x7e]{16,}$/), {
      field: 'http.apiKey',
      file: true,
      unset: 'no key from outside',
      doc: 'Key that callers of the API present.',
    }),
  },
  build: (values) => ({
    host: values.CIDADAO_HTTP_HOST,
    port: values.CIDADAO_HTTP_PORT,
    bodyLimitBytes: values.CIDADAO_HTTP_BODY_LIMIT_BYTES,
    drainDelayMs: values.CIDADAO_HTTP_DRAIN_DELAY_MS,
    shutdownGraceMs: values.CIDADAO_HTTP_SHUTDOWN_GRACE_MS,
    ...(values.CIDADAO_API_KEY === undefined ? {} : { apiKey: values.CIDADAO_API_KEY }),
  }),
})
