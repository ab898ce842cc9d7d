/** The versions of PostgreSQL that this project promises to run on. */
export const POSTGRES_MAJORS = [15, 16, 17, 18] as const
export type PostgresMajor = (typeof POSTGRES_MAJORS)[number]

export type VersionsEnvironment = Readonly<Record<string, string | undefined>>

/**
 * What `TEST_POSTGRES_MAJORS` lists, as `15,16`: there a version that cannot be had is an error, so that a CI cannot
 * leave one out unnoticed.
 *
 * @throws TypeError for another version
 */
export function requiredMajors(environment: VersionsEnvironment): readonly PostgresMajor[] {
  const names = (environment.TEST_POSTGRES_MAJORS ?? '').split(',').filter((name) => name.trim() !== '')
  return names.map((name) => {
    const major = POSTGRES_MAJORS.find((known) => String(known) === name.trim())
    if (major === undefined)
      throw new TypeError(`TEST_POSTGRES_MAJORS: some of ${POSTGRES_MAJORS.join(', ')} are required, not ${JSON.stringify(name)}`)
    return major
  })
}
