import { slopeOf } from '../report.ts'

/** A memory sample in megabytes. */
export type Sample = {
  readonly minute: number
  readonly workers: number
  readonly program: number
}

/** Growth per minute over the second half of the samples. */
export const growthPerMinute = (
  samples: readonly Sample[],
  figure: 'workers' | 'program',
): number =>
  slopeOf(
    samples
      .slice(Math.floor(samples.length / 2))
      .map((sample) => [sample.minute, sample[figure]] as const),
  )
