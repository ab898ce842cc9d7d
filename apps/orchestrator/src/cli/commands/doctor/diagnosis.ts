export type Diagnosis =
  | { readonly status: 'good'; readonly detail: string }
  | { readonly status: 'warning' | 'bad'; readonly detail: string; /** Absent where the detail says it. */ readonly mend?: string }

export const good = (detail: string): Diagnosis => ({ status: 'good', detail })
export const warning = (detail: string, mend?: string): Diagnosis => ({
  status: 'warning',
  detail,
  ...(mend === undefined ? {} : { mend }),
})
export const bad = (detail: string, mend?: string): Diagnosis => ({ status: 'bad', detail, ...(mend === undefined ? {} : { mend }) })
