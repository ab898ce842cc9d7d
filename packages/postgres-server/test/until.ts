/** Polls until `holds`, for ten seconds at most. The test kit, which has this, depends on this package. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + 10_000
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('did not hold within 10 s')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
