/** Does the work for each, at most so many at the same time; answers in the order of what it was given. */
export async function fewAtATime<T, R>(
  all: readonly T[],
  atOnce: number,
  work: (one: T) => Promise<R>,
): Promise<readonly R[]> {
  const answers: R[] = []
  let next = 0
  const goOn = async (): Promise<void> => {
    for (let at = next++; at < all.length; at = next++) answers[at] = await work(all[at] as T)
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, all.length) }, goOn))
  return answers
}
