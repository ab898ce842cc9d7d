import { defineRule, refuse, type Rule } from '../rules/rule.ts'
import { matching, secretText } from '../rules/text-rules.ts'
import type { Secret } from '../secret.ts'
import { defineSection, type Section } from '../section.ts'
import { optionalVariable, variable } from '../variable.ts'

export interface TracingConfig {
  /** Where spans go, as a base address to which `/v1/traces` is added; absent: no traces. */
  readonly endpoint?: string
  /** Sent with every export. */
  readonly headers?: Secret
  readonly serviceName: string
  /** Share of investigations and requests that are traced, 0 to 1. */
  readonly sampleRatio: number
}

const collector: Rule<string> = defineRule({
  text: 'an http or https URL without user and password',
  parse: (text) => (/^https?:\/\/[^\s@]+$/.test(text) && URL.canParse(text) ? text : refuse()),
})

const ratio: Rule<number> = defineRule({
  text: 'a number from 0 to 1 with at most 6 decimals',
  parse: (text) => (/^(?:0(?:\.\d{1,6})?|1(?:\.0{1,6})?)$/.test(text) ? Number(text) : refuse()),
})

/** Pairs `name=value` with commas between; values are percent-encoded, as OpenTelemetry has them. */
const HEADERS = /^[\w-]+=[^,\s]*(?:,[\w-]+=[^,\s]*)*$/

/** The names are OpenTelemetry's own, so that a platform that sets them for all its programs sets them for this one. */
export const tracingSection: Section<TracingConfig> = defineSection({
  name: 'tracing',
  title: 'Traces',
  variables: {
    OTEL_EXPORTER_OTLP_ENDPOINT: optionalVariable(collector, {
      field: 'tracing.endpoint',
      unset: 'no traces',
      doc: 'Base address of an OpenTelemetry collector that takes OTLP over HTTP (protobuf), for instance `http://127.0.0.1:4318`.',
    }),
    OTEL_EXPORTER_OTLP_HEADERS: optionalVariable(secretText('name=value pairs with commas between', HEADERS), {
      field: 'tracing.headers',
      file: true,
      unset: 'none',
      doc: 'Headers of each export, such as a key of the collector; values percent-encoded.',
    }),
    OTEL_SERVICE_NAME: variable(matching('1 to 64 letters, digits, dots, dashes and underscores', /^[\w.-]{1,64}$/), {
      field: 'tracing.serviceName',
      default: 'cidadao',
      doc: 'Name of this program in the traces.',
    }),
    OTEL_TRACES_SAMPLER_ARG: variable(ratio, {
      field: 'tracing.sampleRatio',
      default: '1',
      doc: 'Share of the investigations and requests that are traced. The choice hangs on the trace alone, so processes agree.',
    }),
  },
  build: (values) => ({
    ...(values.OTEL_EXPORTER_OTLP_ENDPOINT === undefined ? {} : { endpoint: values.OTEL_EXPORTER_OTLP_ENDPOINT }),
    ...(values.OTEL_EXPORTER_OTLP_HEADERS === undefined ? {} : { headers: values.OTEL_EXPORTER_OTLP_HEADERS }),
    serviceName: values.OTEL_SERVICE_NAME,
    sampleRatio: values.OTEL_TRACES_SAMPLER_ARG,
  }),
})
