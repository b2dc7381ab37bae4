import { crc32 } from 'node:zlib'

/** Number of unrecorded events of one minute. `shed`: their requests were served; `refused`: they were not. */
export type UnrecordedCount = {
  readonly workspace: string
  readonly kind: UnrecordedKind
  /** Minutes since the epoch. */
  readonly minute: number
  /** Tells counts of one file apart. */
  readonly sequence: number
  readonly events: number
}

export type UnrecordedKind = 'shed' | 'refused'

const kinds: readonly UnrecordedKind[] = ['shed', 'refused']

/**
 * A file of counts is an array of slots of the same size, so that it is written in place. A slot, little-endian:
 * u32 CRC-32 of the rest · u8 kind · u8 length of the workspace · u16 0 · u32 minute · u32 sequence · f64 events · id of
 * the workspace. A slot of zeros is free. No slot crosses a sector or page.
 */
export const slotBytes = 64
export const slotCount = 4_096
const maxWorkspaceBytes = slotBytes - 24

export function writeSlot(slot: Buffer, count: UnrecordedCount): void {
  slot.fill(0)
  slot.writeUInt8(kinds.indexOf(count.kind), 4)
  slot.writeUInt8(slot.write(count.workspace, 24, maxWorkspaceBytes, 'latin1'), 5)
  slot.writeUInt32LE(count.minute, 8)
  slot.writeUInt32LE(count.sequence, 12)
  slot.writeDoubleLE(count.events, 16)
  slot.writeUInt32LE(crc32(slot.subarray(4)), 0)
}

/** Undefined for a free slot, or one that a power loss left incomplete. */
function readSlot(slot: Buffer): UnrecordedCount | undefined {
  const events = slot.readDoubleLE(16)
  if (!(events > 0) || crc32(slot.subarray(4)) !== slot.readUInt32LE(0)) return undefined
  const length = slot.readUInt8(5)
  return {
    workspace: slot.toString('latin1', 24, 24 + length),
    kind: kinds[slot.readUInt8(4)] ?? 'shed',
    minute: slot.readUInt32LE(8),
    sequence: slot.readUInt32LE(12),
    events,
  }
}

export const readSlots = (bytes: Buffer): readonly UnrecordedCount[] =>
  Array.from({ length: Math.floor(bytes.length / slotBytes) }, (_, at) =>
    readSlot(bytes.subarray(at * slotBytes, (at + 1) * slotBytes)),
  ).filter((count) => count !== undefined)
