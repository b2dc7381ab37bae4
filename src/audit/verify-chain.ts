import type { KeyObject } from 'node:crypto'
import { beginning } from '../lib/hash-chain.ts'
import type {
  AuditCheckpoint,
  AuditFault,
  AuditPlace,
  AuditReport,
  ChainedRecord,
} from '../schema/audit-record.ts'
import { hashOfRecord } from './chain-record.ts'
import { isGenuine } from './checkpoint.ts'

/** A chain as it is kept, with what was signed about it. */
export type StoredChain = {
  /** Every record, in order of sequence; it is read a second time when one seems to stand elsewhere than it was. */
  readonly records: () => AsyncIterable<ChainedRecord>
  /** What stands for the records that were pruned. */
  readonly base: AuditCheckpoint | undefined
  readonly head: AuditCheckpoint | undefined
  /** Signed places along the way, kept beside the records or somewhere else, in any order. */
  readonly along: readonly AuditCheckpoint[]
  /** Public keys whose signature counts, by id. */
  readonly keys: ReadonlyMap<string, KeyObject>
}

const maxFaults = 100

/** Holds a chain against its hashes and signatures, and says of every record that was removed, changed, reordered or added which it is and where. */
export async function verifyChain(chain: StoredChain): Promise<AuditReport> {
  const faults: AuditFault[] = []
  const walk = openWalk(chain, faults)
  let records = 0
  for await (const record of chain.records()) {
    records += 1
    walk.step(record)
  }
  const { first, last, checkpoints, displaced } = walk.end()
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

/** The places that a key of ours signed, and complaints about those that none did. */
function signedPlaces({ base, head, along, keys }: StoredChain, faults: AuditFault[]) {
  const signed = new Map<number, AuditCheckpoint[]>()
  for (const checkpoint of [base, head, ...along]) {
    if (checkpoint === undefined) continue
    const { sequence, key, kind } = checkpoint
    const known = keys.get(key)
    if (known !== undefined && isGenuine(checkpoint, known)) {
      signed.set(sequence, [...(signed.get(sequence) ?? []), checkpoint])
      continue
    }
    const why =
      known === undefined ? `is signed by the unknown key ${key}` : 'has a false signature'
    faults.push(about('forged', sequence, `The checkpoint '${kind}' at record ${sequence} ${why}.`))
  }
  return signed
}

function openWalk(chain: StoredChain, faults: AuditFault[]) {
  const { base, head } = chain
  const signed = signedPlaces(chain, faults)
  const start: AuditPlace = { sequence: base?.sequence ?? 0, hash: base?.hash ?? beginning }
  const end = head?.sequence ?? Number.POSITIVE_INFINITY
  const displaced: ChainedRecord[] = []
  let last = start
  let isLastSound = true
  let trusted = start.sequence
  let checkpoints = 0

  const miss = (from: number, through: number): void => {
    if (from > through) return
    const which = from === through ? `Record ${from} is` : `Records ${from} to ${through} are`
    faults.push({ ...about('missing', from, `${which} missing.`), through })
  }
  /** What was signed about a record that gives its own hash. */
  const compare = ({ sequence, hash }: ChainedRecord): void => {
    const places = (signed.get(sequence) ?? []).filter(({ kind }) => kind !== 'pruned')
    checkpoints += places.length
    if (places.some((place) => place.hash !== hash))
      faults.push(contradicted(trusted + 1, sequence))
    else if (places.length > 0) trusted = sequence
  }
  return {
    step(record: ChainedRecord): void {
      const { sequence } = record
      if (sequence <= start.sequence || sequence > end) {
        faults.push(extra(sequence, start.sequence, end))
        return
      }
      miss(last.sequence + 1, sequence - 1)
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
      if (head !== undefined) miss(last.sequence + 1, head.sequence)
      else if (last.sequence > 0)
        faults.push(about('unsigned', last.sequence, 'The end of the log is not signed.'))
      const final = head?.sequence ?? last.sequence
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

/** Says of every record that does not give its hash whether it stood elsewhere, or was changed. */
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
      ? about('changed', sequence, `Record ${sequence} (${words}) is not what was written.`)
      : about('moved', sequence, `Record ${sequence} (${words}) was written as record ${was}.`)
  })
}

/** A record follows the one whose hash it names; where that was moved too, it may stand near. */
const candidates = (after: number | undefined, { sequence }: ChainedRecord): readonly number[] => [
  ...(after === undefined ? [] : [after + 1]),
  ...Array.from({ length: 16 }, (_, distance) => [sequence - distance - 1, sequence + distance + 1])
    .flat()
    .filter((one) => one > 0),
]

const about = (kind: AuditFault['kind'], sequence: number, says: string): AuditFault => ({
  kind,
  sequence,
  through: sequence,
  says,
})

const broken = (from: number, sequence: number): AuditFault => ({
  ...about(
    'changed',
    from,
    `Record ${sequence} does not follow from record ${sequence - 1}: records from ${from} on were written anew.`,
  ),
  through: sequence,
})

const contradicted = (from: number, through: number): AuditFault => ({
  ...about(
    'contradicted',
    from,
    `The checkpoint at record ${through} was signed for another record: records from ${from} to ${through} were written anew.`,
  ),
  through,
})

const extra = (sequence: number, start: number, end: number): AuditFault =>
  about(
    'extra',
    sequence,
    sequence > end
      ? `Record ${sequence} is after the signed end of the log, which is record ${end}.`
      : `Record ${sequence} is before record ${start + 1}, with which the log begins since it was pruned.`,
  )

/** A time that was tampered with may be none. */
const isoTime = (time: number): string =>
  Number.isFinite(time) && Math.abs(time) <= 8.64e15 ? new Date(time).toISOString() : 'no time'
