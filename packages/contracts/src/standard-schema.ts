/**
 * The Standard Schema interface, version 1 (https://standardschema.dev): what zod, valibot, arktype and others
 * implement, so that a caller brings the validator of their choice and this package depends on none.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    readonly validate: (value: unknown) => SchemaResult<Output> | Promise<SchemaResult<Output>>
    readonly types?: { readonly input: Input; readonly output: Output } | undefined
  }
}

export type SchemaResult<Output> = { readonly value: Output; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] }

export interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** What a schema yields after validation. */
export type SchemaOutput<Schema extends StandardSchema<unknown, unknown>> = NonNullable<Schema['~standard']['types']>['output']

/** `amount.0.value: expected a string`: an issue as one line, with the path to the field. */
export function formatIssue(issue: SchemaIssue): string {
  const path = (issue.path ?? []).map((step) => String(typeof step === 'object' ? step.key : step)).join('.')
  return path === '' ? issue.message : `${path}: ${issue.message}`
}
