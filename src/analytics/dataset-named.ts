/** The dataset that a question is about: that of the first member it names. What a question looks like is checked elsewhere. */
export function datasetNamed(input: unknown): string | undefined {
  if (typeof input !== 'object' || input === null) return undefined
  const { measures, dimensions, segments, timeDimensions } = input as Record<string, unknown>
  const times = listIn(timeDimensions).map((time) =>
    typeof time === 'object' && time !== null ? (time as { dimension?: unknown }).dimension : time,
  )
  const [first] = [measures, dimensions, times, segments]
    .flatMap(listIn)
    .filter((name) => typeof name === 'string')
  return first?.split('.', 1)[0]
}

const listIn = (value: unknown): readonly unknown[] =>
  Array.isArray(value) ? (value as unknown[]) : []
