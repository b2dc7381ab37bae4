import { buildStream, lastTarget, type Stream } from './build-stream.ts'
import { judgeStream } from './judge-stream.ts'
import { openRandom } from './open-random.ts'
import { openRecorder, serialField, type Recorder } from './open-recorder.ts'
import { openRawClient, type RawClient } from '../harness/open-raw-client.ts'
import { openRequestReference, type Reading, type RequestReference } from './read-by-reference.ts'
import { fieldOf } from '../harness/read-messages.ts'

/** A port that forwards to an upstream, and a way to close it. */
export type OpenedGateway = { readonly port: number; close(): unknown }

/** Opens a gateway in front of the upstream on this port. */
export type OpenGateway = (upstream: number) => Promise<OpenedGateway>

export type Cases = {
  readonly seed: number
  readonly from: number
  readonly count: number
  /** Number of concurrent runs, each with its own gateway and upstream. */
  readonly lanes: number
  readonly onProgress?: (done: number) => void
}

/** A difference between Weir and the reference. */
export type Disagreement = {
  readonly index: number
  readonly words: string
  readonly bytes: string
}

export type Findings = {
  readonly cases: number
  /** Complete requests that the upstream received. */
  readonly forwarded: number
  /** Streams that the reference rejected. */
  readonly refused: number
  readonly disagreements: readonly Disagreement[]
}

type Tally = { forwarded: number; refused: number; done: number; readonly found: Disagreement[] }

/** Sends generated request streams to Weir and to the reference and compares the results; stops after ten differences. */
export async function runStreams(open: OpenGateway, cases: Cases): Promise<Findings> {
  const reference = openRequestReference()
  const tally: Tally = { forwarded: 0, refused: 0, done: 0, found: [] }
  let next = cases.from
  const end = cases.from + cases.count
  const runLane = async (): Promise<void> => {
    const recorder = await openRecorder()
    const gateway = await open(recorder.port)
    const lane = openLane(gateway.port, recorder)
    try {
      while (next < end && tally.found.length < 10)
        await runCase(lane, { ...cases, index: next++, reference, tally })
    } finally {
      lane.close()
      await gateway.close()
      recorder.close()
    }
  }
  await Promise.all(Array.from({ length: cases.lanes }, runLane))
  return {
    cases: tally.done,
    forwarded: tally.forwarded,
    refused: tally.refused,
    disagreements: tally.found.toSorted((one, other) => one.index - other.index),
  }
}

type Lane = {
  readonly recorder: Recorder
  /** The open connection, or a new one. */
  wire(): RawClient
  close(): void
}

function openLane(port: number, recorder: Recorder): Lane {
  let wire: RawClient | undefined
  return {
    recorder,
    wire: () => (wire = wire === undefined || wire.closed ? openRawClient(port) : wire),
    close: () => wire?.destroy(),
  }
}

type Case = Pick<Cases, 'seed' | 'onProgress'> & {
  readonly index: number
  readonly reference: RequestReference
  readonly tally: Tally
}

async function runCase(
  lane: Lane,
  { seed, index, reference, tally, onProgress }: Case,
): Promise<void> {
  const stream = buildStream(openRandom(seed, index))
  const reading = await reference.read(stream.plainBytes)
  const { recorder } = lane
  const before = recorder.served
  const wire = lane.wire()
  const answered = wire.answers.length
  const faults = wire.complaints.length
  wire.methodOf = (answer) => reading.requests[answer - answered]?.method ?? 'GET'
  const { hung, closed } = await converse(wire, stream, reading)
  const forwarded = new Map(
    recorder.messages.splice(0).map((message, at) => [before + at, message]),
  )
  const complaints = [...recorder.complaints.splice(0), ...wire.complaints.slice(faults)]
  const answers = wire.answers.slice(answered)
  const words = judgeStream(stream, reading, { answers, forwarded, complaints, hung, closed })
  if (words !== undefined) {
    const told = `${words} [${[...stream.traits].join(', ')}; reference: ${reading.requests.length} requests${reading.refusal && `, ${reading.refusal}`}; answers: ${answers.map(({ start, fields }) => `${start} ${fieldOf(fields, serialField) ?? ''}`).join(' | ')}]`
    tally.found.push({ index, words: told, bytes: JSON.stringify(stream.bytes.toString('latin1')) })
    wire.destroy()
  }
  const isLast = fieldOf(wire.answers.at(-1)?.fields ?? [], 'connection') === 'close'
  // A wire keeps all responses, so a long run needs new ones.
  if (isLast || wire.answers.length > 1_000) wire.destroy()
  tally.done += 1
  tally.forwarded += forwarded.size
  if (reading.refusal !== '') tally.refused += 1
  onProgress?.(tally.done)
}

const patience = 10_000

/** Sends the stream and waits for the responses that the reference predicts; keeps the connection open only if all arrived. */
async function converse(
  wire: RawClient,
  { pieces }: Stream,
  { requests, refusal }: Reading,
): Promise<{ hung: boolean; closed: boolean }> {
  const awaited = wire.answers.length + requests.length
  await wire.send(pieces)
  const answered = (): boolean => wire.closed || wire.answers.length >= awaited
  const isWhole = refusal === '' && requests.at(-1)?.target === lastTarget
  let hung = !(await wire.until(answered, patience))
  const closed = wire.closed
  if (isWhole && !hung) return { hung, closed }
  if (refusal !== '') await wire.until(() => wire.closed, 100)
  wire.end()
  hung = !(await wire.until(() => wire.closed, patience)) || hung
  wire.destroy()
  await wire.until(() => wire.closed, patience)
  return { hung, closed }
}
