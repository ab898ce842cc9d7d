/** Takes items as they come, with at most `limit` of them worked on; after a rejection no further one is begun. */
export async function forEachBounded<Item>(
  items: Iterable<Item> | AsyncIterable<Item>,
  limit: number,
  run: (item: Item) => Promise<void>,
): Promise<void> {
  // One after the other also for a source that could not be asked twice at once.
  const rest = oneByOne(items)
  const worker = async (): Promise<void> => {
    for await (const item of rest) await run(item)
  }
  await Promise.all(Array.from({ length: limit }, worker))
}

async function* oneByOne<Item>(items: Iterable<Item> | AsyncIterable<Item>): AsyncGenerator<Item> {
  yield* items
}
