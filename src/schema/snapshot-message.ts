import { z } from 'zod'
import { listNames } from './snapshot.ts'

const list = z.enum(listNames)

/** The state of a receiver: the revision and root of a seal. */
export const snapshotVersion = z.object({ revision: z.int(), root: z.string().max(100) })
export type SnapshotVersion = z.output<typeof snapshotVersion>

/**
 * The lines in which a snapshot is sent and stored: `begin`, then what differs from the snapshot `from`, then `end`.
 * Without `from`, everything in the snapshot is sent. `put` is followed by `count` lines, each the canonical JSON text
 * of an item.
 */
export const snapshotMessage = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('begin'),
    format: z.int(),
    from: snapshotVersion.optional(),
    seal: z.object({ revision: z.int(), root: z.string(), signature: z.string() }),
  }),
  z.object({ type: z.literal('put'), list, count: z.int().min(1) }),
  z.object({ type: z.literal('remove'), list, ids: z.array(z.string()) }),
  z.object({ type: z.literal('end') }),
])
export type SnapshotMessage = z.output<typeof snapshotMessage>
