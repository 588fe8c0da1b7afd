/** Milliseconds after which a refusal asks us to come back (`in 5 minutes`, `for 300 seconds`); null when it says nothing of the kind. */
export function waitAsked(text: string): number | null {
  const words = text.slice(0, 500).toLowerCase()
  const [, count, unit] =
    /\b(?:in|for|after|wait|another) (\d{1,5}) ?(s|sec|secs|second|seconds|m|min|mins|minute|minutes|h|hour|hours)\b/.exec(
      words,
    ) ?? []
  if (count === undefined || unit === undefined) return null
  return Number(count) * (unit.startsWith('s') ? 1000 : unit.startsWith('m') ? 60_000 : 3_600_000)
}
