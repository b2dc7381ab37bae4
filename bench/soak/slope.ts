/** A memory sample in megabytes. */
export type Sample = {
  readonly minute: number
  readonly workers: number
  readonly program: number
}

/** Growth per minute over the second half of the samples, by least squares. */
export function growthPerMinute(samples: readonly Sample[], figure: 'workers' | 'program'): number {
  const half = samples.slice(Math.floor(samples.length / 2))
  const meanOf = (read: (sample: Sample) => number): number =>
    half.reduce((sum, sample) => sum + read(sample), 0) / half.length
  const middle = meanOf(({ minute }) => minute)
  const level = meanOf((sample) => sample[figure])
  const spread = half.reduce((sum, { minute }) => sum + (minute - middle) ** 2, 0)
  const shared = half.reduce(
    (sum, sample) => sum + (sample.minute - middle) * (sample[figure] - level),
    0,
  )
  return spread === 0 ? 0 : shared / spread
}
