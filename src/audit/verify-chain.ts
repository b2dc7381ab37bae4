import type { KeyObject } from 'node:crypto'
import { yieldToEventLoop } from '../lib/cooperative-task.ts'
import { beginning } from '../lib/hash-chain.ts'
import type {
  AuditCheckpoint,
  AuditFault,
  ChainPosition,
  AuditReport,
  ChainedRecord,
} from '../schema/audit-record.ts'
import { hashOfRecord } from './chain-record.ts'
import { hasValidSignature } from './checkpoint.ts'

/** A stored chain with its checkpoints. */
export type StoredChain = {
  /** All records in order of sequence. Read a second time to locate moved records. */
  readonly records: () => AsyncIterable<ChainedRecord>
  /** Checkpoint at the last pruned record. */
  readonly base: AuditCheckpoint | undefined
  readonly head: AuditCheckpoint | undefined
  /** Checkpoints along the chain, from the store or elsewhere, in any order. */
  readonly along: readonly AuditCheckpoint[]
  /** Key id → trusted public key. */
  readonly keys: ReadonlyMap<string, KeyObject>
}

/** The faults that a report lists. */
export const maxFaults = 100

/** Signatures that are verified between two pauses, about 10 ms. */
const signaturesPerTurn = 50

/** Verifies the hashes and signatures of a chain, and reports every record that was removed, changed, moved or added. */
export async function verifyChain(chain: StoredChain): Promise<AuditReport> {
  const faults: AuditFault[] = []
  const verifier = openVerifier(chain, await validCheckpoints(chain, faults), faults)
  let records = 0
  for await (const record of chain.records()) {
    records += 1
    verifier.step(record)
  }
  const { first, last, checkpoints, displaced } = verifier.end()
  faults.push(...(await explainDisplaced(chain, displaced)))
  const inOrder = faults.toSorted((a, b) => a.sequence - b.sequence)
  return {
    intact: faults.length === 0,
    records,
    first,
    last,
    checkpoints,
    faults: inOrder.slice(0, maxFaults),
  }
}

/** Sequence → checkpoints with a valid signature; all others are added to `faults`. */
async function validCheckpoints(
  { base, head, along, keys }: StoredChain,
  faults: AuditFault[],
): Promise<ReadonlyMap<number, readonly AuditCheckpoint[]>> {
  const signed = new Map<number, AuditCheckpoint[]>()
  for (const [index, checkpoint] of [base, head, ...along].entries()) {
    if (index % signaturesPerTurn === 0) await yieldToEventLoop()
    if (checkpoint === undefined) continue
    const { sequence, key, kind } = checkpoint
    const trustedKey = keys.get(key)
    if (trustedKey !== undefined && hasValidSignature(checkpoint, trustedKey)) {
      signed.set(sequence, [...(signed.get(sequence) ?? []), checkpoint])
      continue
    }
    const why =
      trustedKey === undefined ? `is signed by the unknown key ${key}` : 'has a false signature'
    faults.push(fault('forged', sequence, `The checkpoint '${kind}' at record ${sequence} ${why}.`))
  }
  return signed
}

function openVerifier(
  { base, head }: StoredChain,
  signed: ReadonlyMap<number, readonly AuditCheckpoint[]>,
  faults: AuditFault[],
) {
  const start: ChainPosition = { sequence: base?.sequence ?? 0, hash: base?.hash ?? beginning }
  const end = head?.sequence ?? Number.POSITIVE_INFINITY
  const displaced: ChainedRecord[] = []
  let last = start
  let isLastSound = true
  let trusted = start.sequence
  let checkpoints = 0

  const reportMissing = (from: number, through: number): void => {
    if (from > through) return
    const which = from === through ? `Record ${from} is` : `Records ${from} to ${through} are`
    faults.push({ ...fault('missing', from, `${which} missing.`), through })
  }
  /** Compares a record with the checkpoints at its position. */
  const compare = ({ sequence, hash }: ChainPosition): void => {
    const places = (signed.get(sequence) ?? []).filter(({ kind }) => kind !== 'pruned')
    checkpoints += places.length
    if (places.some((place) => place.hash !== hash))
      faults.push(contradicted(trusted + 1, sequence))
    else if (places.length > 0) trusted = sequence
  }
  /** A log that was emptied or restored to an older state ends before a checkpoint that was stored elsewhere. */
  const reportBeyond = (final: number): void => {
    const [furthest] = [...signed.keys()].toSorted((a, b) => b - a)
    if (furthest === undefined || furthest <= final) return
    const through = { through: furthest }
    faults.push({ ...fault('missing', final + 1, beyond(final, furthest)), ...through })
  }
  if (base !== undefined) compare(base)
  return {
    step(record: ChainedRecord): void {
      const { sequence } = record
      if (sequence <= start.sequence || sequence > end) {
        faults.push(extra(sequence, start.sequence, end))
        return
      }
      reportMissing(last.sequence + 1, sequence - 1)
      const isNext = sequence === last.sequence + 1
      const isSound = hashOfRecord(record) === record.hash
      if (!isSound) displaced.push(record)
      else if (isNext && isLastSound && record.previous !== last.hash)
        faults.push(broken(trusted + 1, sequence))
      if (isSound) compare(record)
      isLastSound = isSound
      last = { sequence, hash: record.hash }
    },
    end() {
      if (head !== undefined) reportMissing(last.sequence + 1, head.sequence)
      else if (last.sequence > 0)
        faults.push(fault('unsigned', last.sequence, 'The end of the log is not signed.'))
      const final = head?.sequence ?? last.sequence
      reportBeyond(final)
      const isEmpty = final === start.sequence
      return {
        first: isEmpty ? 0 : start.sequence + 1,
        last: isEmpty ? 0 : final,
        checkpoints,
        displaced,
      }
    },
  }
}

/** For every record with a wrong hash: whether it was moved or changed. */
async function explainDisplaced(
  { records, base }: StoredChain,
  displaced: readonly ChainedRecord[],
): Promise<readonly AuditFault[]> {
  if (displaced.length === 0) return []
  const wanted = new Set(displaced.map(({ previous }) => previous))
  const places = new Map([[base?.hash ?? beginning, base?.sequence ?? 0]])
  for await (const { hash, sequence } of records()) if (wanted.has(hash)) places.set(hash, sequence)
  return displaced.map((record) => {
    const { sequence, previous, time, method, path } = record
    const words = `${method} ${path} of ${isoTime(time)}`
    const was = candidates(places.get(previous), record).find(
      (one) => hashOfRecord(record, { sequence: one }) === record.hash,
    )
    return was === undefined
      ? fault('changed', sequence, `Record ${sequence} (${words}) is not what was written.`)
      : fault('moved', sequence, `Record ${sequence} (${words}) was written as record ${was}.`)
  })
}

/** Possible original positions: after the record whose hash it names, or, if that was moved too, nearby. */
const candidates = (after: number | undefined, { sequence }: ChainedRecord): readonly number[] => [
  ...(after === undefined ? [] : [after + 1]),
  ...Array.from({ length: 16 }, (_, distance) => [sequence - distance - 1, sequence + distance + 1])
    .flat()
    .filter((one) => one > 0),
]

const fault = (kind: AuditFault['kind'], sequence: number, says: string): AuditFault => ({
  kind,
  sequence,
  through: sequence,
  says,
})

const broken = (from: number, sequence: number): AuditFault => ({
  ...fault(
    'changed',
    from,
    `Record ${sequence} does not follow from record ${sequence - 1}: records from ${from} on were written anew.`,
  ),
  through: sequence,
})

const contradicted = (from: number, through: number): AuditFault => ({
  ...fault(
    'contradicted',
    from,
    `The checkpoint at record ${through} was signed for another record: records from ${from} to ${through} were written anew.`,
  ),
  through,
})

const extra = (sequence: number, start: number, end: number): AuditFault =>
  fault(
    'extra',
    sequence,
    sequence > end
      ? `Record ${sequence} is after the signed end of the log, which is record ${end}.`
      : `Record ${sequence} is before record ${start + 1}, the first one since the log was pruned.`,
  )

const beyond = (end: number, signed: number): string =>
  `A checkpoint signed record ${signed}, but the log ${end === 0 ? 'is empty' : `ends at record ${end}`}: records ${end + 1} to ${signed} are missing.`

/** A manipulated time may be out of the range of Date. */
const isoTime = (time: number): string =>
  Number.isFinite(time) && Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : 'no time'
