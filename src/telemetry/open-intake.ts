import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Problem } from '../lib/problem.ts'
import { openBatchQueues } from './open-batch-queues.ts'
import { syncDirectory } from './open-synced-files.ts'
import { isPlausible, readSegment, type SegmentFrames } from './segment/read-segment.ts'

/** Keeps batches of gateways on disk until the warehouse has stored them. */
export type Intake = {
  /** Resolves once the batch of a node is on disk. Rejects with a Problem of status 503 when the intake is full. */
  receive(batch: string, content: Buffer, node?: string): Promise<void>
  /** Whether the batch waits for the warehouse, or is on its way there. */
  holds(batch: string): boolean
  /** The batches to store next, under an id that is the same until they are stored; undefined when none waits. */
  next(): Load | undefined
  /** Deletes a load that the warehouse has stored. */
  finish(load: Load): void
  /** Sets aside the batches of a load that cannot be stored. */
  refuse(load: Load): void
  /** Splits a load of which nothing is stored into two, which are next. */
  split(load: Load): void
  /** Puts a load behind all others. */
  postpone(load: Load): void
  /** The node that sent a batch; '' when an earlier process received it. */
  sender(batch: string): string
  /** Batches that were set aside. */
  readonly refused: number
  /** Whether no batch waits. */
  readonly isEmpty: boolean
  /** Bytes of all batches. */
  readonly bytes: number
  /** Counts the batches that were received. */
  readonly position: number
  /** Up to which position all batches of a node are stored or set aside. */
  storedPosition(node: string): number
}

/** Batches that are stored together. */
export type Load = {
  readonly id: string
  readonly batches: readonly string[]
  readonly segments: readonly SegmentFrames[]
}

export type IntakeOptions = {
  /** Batches of one load. 1 where the warehouse itself recognizes a repeated batch by its id. */
  readonly maxBatches: number
  /** Whether a batch is kept only when it survives a loss of power. */
  readonly isSynced: boolean
  /** Bytes from which batches are refused until some are stored. */
  readonly maxBytes: number
}

/** Bytes of segments. */
const maxLoadBytes = 2 * 1024 * 1024

/** Opens the intake in `directory`, with the batches of an earlier process. */
export function openIntake(directory: string, options: IntakeOptions): Intake {
  const loads = join(directory, 'loads')
  const refused = join(directory, 'refused')
  mkdirSync(loads, { recursive: true, mode: 0o700 })
  /** The bytes of batches that wait, oldest first; undefined for those that only the disk has. */
  const waiting = new Map<string, { readonly size: number; content: Buffer | undefined }>()
  /** Loads that are formed and not yet stored. */
  const formed: string[] = []
  const postponed: string[] = []
  const loading = new Set<string>()
  const queues = openBatchQueues()
  /** The folder of a load whose batches could not all be moved. */
  let unformed: string | undefined
  let refusals = existsSync(refused) ? readdirSync(refused).length : 0
  let bytes = 0
  let memory = 0

  const pathOf = (batch: string): string => join(directory, `${batch}.segment`)
  for (const name of readdirSync(loads)) {
    if (name.endsWith('.forming')) {
      restore(join(loads, name), directory)
      continue
    }
    formed.push(name)
    for (const batch of readdirSync(join(loads, name))) {
      const { size } = statSync(join(loads, name, batch))
      loading.add(batch)
      queues.add(batch, '', size)
      bytes += size
    }
  }
  for (const name of readdirSync(directory).toSorted()) {
    if (name.endsWith('.part')) rmSync(join(directory, name))
    if (!name.endsWith('.segment')) continue
    const { size } = statSync(join(directory, name))
    const batch = name.slice(0, -'.segment'.length)
    waiting.set(batch, { size, content: undefined })
    queues.add(batch, '', size)
    bytes += size
  }
  const readLoad = (id: string): Load => {
    const folder = join(loads, id)
    const batches = readdirSync(folder).toSorted()
    return {
      id,
      batches,
      segments: batches.map((name) => readSegment(readFileSync(join(folder, name)))),
    }
  }
  /** The oldest batches of the nodes in turn, as many as one load may hold. */
  const choose = () => {
    const batches: string[] = []
    const segments: SegmentFrames[] = []
    let size = 0
    for (const batch of queues.byTurns()) {
      const held = waiting.get(batch)
      if (held === undefined) continue
      if (batches.length === options.maxBatches || (size > 0 && size + held.size > maxLoadBytes))
        break
      size += held.size
      batches.push(batch)
      segments.push(readSegment(held.content ?? readFileSync(pathOf(batch))))
    }
    return { batches, segments }
  }
  const form = (): Load | undefined => {
    if (waiting.size === 0) return undefined
    // An attempt before this one may have failed, for example on a full disk.
    if (unformed !== undefined && existsSync(unformed)) restore(unformed, directory)
    const { batches, segments } = choose()
    const id = batches[0] as string
    const folder = join(loads, id)
    const forming = `${folder}.forming`
    unformed = forming
    mkdirSync(forming)
    for (const batch of batches) renameSync(pathOf(batch), join(forming, batch))
    // From here on the load is stored unchanged, also by a later process.
    renameSync(forming, folder)
    unformed = undefined
    for (const batch of batches) {
      queues.served(batch)
      memory -= waiting.get(batch)?.content?.length ?? 0
      waiting.delete(batch)
      loading.add(batch)
    }
    return { id, batches, segments }
  }
  const end = ({ batches, segments }: Load): void => {
    for (const batch of batches) {
      loading.delete(batch)
      queues.remove(batch)
    }
    for (const { validBytes } of segments) bytes -= validBytes
  }

  const keep = async (batch: string, content: Buffer, node: string): Promise<void> => {
    const partial = `${pathOf(batch)}.part`
    const file = await open(partial, 'w', 0o600)
    try {
      await file.writeFile(content)
      if (options.isSynced) await file.datasync()
    } catch (error) {
      // On a full disk, its space is needed.
      await rm(partial, { force: true })
      throw error
    } finally {
      await file.close()
    }
    await rename(partial, pathOf(batch))
    if (options.isSynced) await syncDirectory(directory)
    const isInMemory = memory + content.length <= maxMemory
    waiting.set(batch, { size: content.length, content: isInMemory ? content : undefined })
    queues.add(batch, node, content.length)
    bytes += content.length
    if (isInMemory) memory += content.length
  }
  return {
    async receive(batch, content, node = '') {
      if (!/^[\w-]{1,100}$/.test(batch))
        throw new Problem(
          'telemetry.batch',
          400,
          'A batch id is 1 to 100 letters, digits, dashes or underscores.',
        )
      // Half of the space is for nodes that have less than their share of it.
      const half = options.maxBytes / 2
      const isGreedy = bytes > half && queues.isGreedy(node, half)
      if (isGreedy || bytes + content.length > options.maxBytes)
        throw new Problem('telemetry.full', 503, 'The warehouse is behind; send the batch later.')
      const frames = readSegment(content)
      if (frames.validBytes !== content.length || !isPlausible(frames))
        throw new Problem('telemetry.damaged', 422, 'The batch was damaged in transit.')
      await keep(batch, content, node)
    },
    holds: (batch) => waiting.has(batch) || loading.has(batch),
    next() {
      const id = formed.shift()
      if (id !== undefined) return readLoad(id)
      const load = form()
      if (load !== undefined) return load
      const last = postponed.shift()
      return last === undefined ? undefined : readLoad(last)
    },
    finish(load) {
      rmSync(join(loads, load.id), { recursive: true })
      end(load)
    },
    refuse(load) {
      mkdirSync(refused, { recursive: true })
      for (const batch of load.batches)
        renameSync(join(loads, load.id, batch), join(refused, `${batch}.segment`))
      rmSync(join(loads, load.id), { recursive: true })
      refusals += load.batches.length
      end(load)
    },
    split({ id, batches }) {
      const others = batches.slice(Math.ceil(batches.length / 2))
      const [other = ''] = others
      const forming = join(loads, `${other}.forming`)
      // An attempt before this one may have failed half-way.
      mkdirSync(forming, { recursive: true })
      const left = new Set(readdirSync(join(loads, id)))
      for (const batch of others)
        if (left.has(batch)) renameSync(join(loads, id, batch), join(forming, batch))
      renameSync(forming, join(loads, other))
      formed.unshift(id, other)
    },
    postpone: ({ id }) => void postponed.push(id),
    sender: queues.nodeOf,
    get refused() {
      return refusals
    },
    get isEmpty() {
      return waiting.size === 0 && formed.length === 0 && postponed.length === 0
    },
    get bytes() {
      return bytes
    },
    get position() {
      return queues.position
    },
    storedPosition: queues.storedPosition,
  }
}

/** Bytes of waiting batches that are kept in memory beside the disk. */
const maxMemory = 16 * 1024 * 1024

/** Puts back the batches of a load that was not yet formed. */
function restore(forming: string, directory: string): void {
  for (const name of readdirSync(forming))
    renameSync(join(forming, name), join(directory, `${name}.segment`))
  rmSync(forming, { recursive: true })
}
