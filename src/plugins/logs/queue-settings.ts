import { z } from 'zod'
import { between } from '../../entities/fields.ts'

const number = (min: number, max: number) =>
  z
    .number()
    .refine((value) => value >= min && value <= max, {
      error: `value should be between ${min} and ${max}`,
    })
    .meta({ between: [min, max] })

/** Kong's settings of a queue. */
export const queueSettings = (batchSize: number) =>
  z
    .strictObject({
      max_batch_size: between(1, 1_000_000)
        .default(batchSize)
        .describe('Maximum number of entries in a batch.'),
      max_coalescing_delay: number(0, 3_600)
        .default(1)
        .describe('Seconds after the first entry of a batch in which more may join it.'),
      max_entries: between(1, 1_000_000)
        .default(10_000)
        .describe(
          'Maximum number of queued entries in a worker; beyond it, the oldest are dropped and counted.',
        ),
      max_bytes: z
        .int()
        .nullable()
        .default(null)
        .describe(
          'Maximum number of queued bytes in a worker. All queues of a worker together hold at most 64 MiB.',
        ),
      max_retry_time: z
        .number()
        .default(60)
        .describe('Seconds after which a batch that cannot be sent is dropped; -1 for no retries.'),
      initial_retry_delay: number(0.001, 1_000_000)
        .default(0.01)
        .describe('Seconds before the first retry; they double with each further one.'),
      max_retry_delay: number(0.001, 1_000_000)
        .default(60)
        .describe('Maximum number of seconds between two retries.'),
      concurrency_limit: z
        .union([z.literal(-1), z.literal(1)])
        .default(1)
        .describe('Batches that are sent at the same time: 1, or -1 for up to 32.'),
    })
    .prefault({})
    .meta({ isFilled: true })
