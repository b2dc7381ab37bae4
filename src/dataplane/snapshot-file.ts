import { randomBytes } from 'node:crypto'
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'
import type { VerifiedSnapshot } from '../cluster/control-client.ts'
import type { Cipher } from '../lib/cipher.ts'
import type { CooperativeTask } from '../lib/cooperative-task.ts'
import { Problem } from '../lib/problem.ts'
import { snapshotMessage } from '../schema/snapshot-message.ts'
import { openSnapshotReader } from '../snapshot/read-delta.ts'
import { renderDelta, type SealedState } from '../snapshot/render-delta.ts'
import { verifyRootSteps } from '../snapshot/seal-snapshot.ts'

/**
 * A file of snapshots: a random id, then records. Each record is its length in four bytes, then an encrypted text that
 * is bound to the id and to its position. The first text is the public key; then follow the lines of a whole snapshot,
 * and of a delta for each later one. A delta whose end is missing was not completely written, and does not count.
 */
export type SnapshotFile = {
  readonly path: string
  readonly id: string
  /** The snapshot after the last complete delta. */
  readonly written: VerifiedSnapshot
  /** Bytes up to the end of the whole snapshot. */
  readonly baseSize: number
  /** Bytes up to the end of the last complete delta. */
  readonly size: number
  /** Number of records up to there. */
  readonly records: number
}

/** Encrypts and decrypts the records. */
export type FileCipher = Pick<Cipher, 'sealBytes' | 'openBytes'>

const idLength = 16
const headLength = 4

/** Writes a new file, part by part. */
export async function createSnapshotFile(
  path: string,
  written: VerifiedSnapshot,
  cipher: FileCipher,
): Promise<SnapshotFile> {
  const bytes = randomBytes(idLength)
  const id = bytes.toString('hex')
  const handle = await open(path, 'w', 0o600)
  try {
    await writeAll(handle, bytes, 0)
    const head = { id, size: idLength, records: 0 }
    const begun = await writeRecords(handle, head, [written.publicKey], cipher)
    const end = await writeRecords(handle, begun, renderDelta(undefined, written), cipher)
    await handle.datasync()
    return { ...end, path, written, baseSize: end.size }
  } finally {
    await handle.close()
  }
}

/** Appends the delta to `to`. A failure leaves the file unchanged. */
export async function appendToSnapshotFile(
  file: SnapshotFile,
  to: VerifiedSnapshot,
  cipher: FileCipher,
): Promise<SnapshotFile> {
  const { snapshot, seal } = file.written
  const handle = await open(file.path, 'r+')
  try {
    // Removes the remains of a failed append.
    await handle.truncate(file.size)
    const parts = renderDelta({ ...seal, snapshot }, to)
    return { ...file, ...(await writeRecords(handle, file, parts, cipher)), written: to }
  } finally {
    await handle.close()
  }
}

/** Reads and verifies the snapshot after the last complete delta of a file. */
export function* readSnapshotFile(path: string, cipher: FileCipher): CooperativeTask<SnapshotFile> {
  const descriptor = openSync(path, 'r')
  try {
    const id = readBytes(descriptor, 0, idLength).toString('hex')
    const records = readRecords(descriptor, id, cipher)
    const publicKey = records.next().value?.text ?? ''
    let last: (Pick<SnapshotFile, 'size' | 'records'> & SealedState) | undefined
    let baseSize = 0
    const reader = openSnapshotReader()
    for (const { text, end, count } of records) {
      for (const line of text.trimEnd().split('\n')) {
        const read = reader.read(line)
        if (read !== undefined) last = { ...read, size: end, records: count }
        yield
      }
      if (baseSize === 0) baseSize = last?.size ?? 0
    }
    if (last === undefined)
      throw new Problem('snapshot.file', 422, `${path} contains no complete snapshot`)
    const { snapshot, seal, ...position } = last
    yield* verifyRootSteps(snapshot, seal, publicKey)
    return { path, id, baseSize, ...position, written: { snapshot, seal, publicKey } }
  } finally {
    closeSync(descriptor)
  }
}

/** The revision of the last complete delta of a file, read without the items; undefined when there is none. */
export function newestRevision(path: string, cipher: FileCipher): number | undefined {
  const descriptor = openSync(path, 'r')
  try {
    const id = readBytes(descriptor, 0, idLength).toString('hex')
    const boxes = [...readBoxes(descriptor)]
    let hasEnd = false
    for (let count = boxes.length - 1; count >= 0; count -= 1) {
      const { start, length } = boxes[count] as Box
      const text = openBox(readBytes(descriptor, start, length), id, count, cipher)
      // Records after an unreadable one do not count.
      if (text === undefined) hasEnd = false
      else {
        hasEnd ||= text.endsWith(endLine)
        const begun = hasEnd && count > 0 ? revisionBegun(text) : undefined
        if (begun !== undefined) return begun
      }
    }
    return undefined
  } finally {
    closeSync(descriptor)
  }
}

const endLine = `${JSON.stringify({ type: 'end' })}\n`

/** The revision of the delta that begins with a record; none begins within one. */
function revisionBegun(text: string): number | undefined {
  if (!text.startsWith('{"type":"begin"')) return undefined
  const message = snapshotMessage.safeParse(JSON.parse(text.slice(0, text.indexOf('\n'))))
  return message.success && message.data.type === 'begin' ? message.data.seal.revision : undefined
}

type Position = Pick<SnapshotFile, 'id' | 'size' | 'records'>

async function writeRecords(
  handle: FileHandle,
  { id, size, records }: Position,
  texts: Iterable<string>,
  cipher: FileCipher,
): Promise<Position> {
  for (const text of texts) {
    const box = cipher.sealBytes(Buffer.from(text), aadOf(id, records))
    const head = Buffer.alloc(headLength)
    head.writeUInt32BE(box.length)
    await writeAll(handle, Buffer.concat([head, box]), size)
    size += headLength + box.length
    records += 1
  }
  return { id, size, records }
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}

type Record = { readonly text: string; readonly end: number; readonly count: number }

/** The records up to the first that is cut off or does not belong there. */
function* readRecords(descriptor: number, id: string, cipher: FileCipher): Generator<Record> {
  let count = 0
  for (const { start, length } of readBoxes(descriptor)) {
    const text = openBox(readBytes(descriptor, start, length), id, count, cipher)
    if (text === undefined) return
    count += 1
    yield { text, end: start + length, count }
  }
}

/** Position of an encrypted text in a file. */
type Box = { readonly start: number; readonly length: number }

/** Positions of the encrypted texts, without a truncated one. */
function* readBoxes(descriptor: number): Generator<Box> {
  const { size } = fstatSync(descriptor)
  let start = idLength + headLength
  while (start <= size) {
    const length = readBytes(descriptor, start - headLength, headLength).readUInt32BE()
    if (start + length > size) return
    yield { start, length }
    start += length + headLength
  }
}

function openBox(
  box: Uint8Array,
  id: string,
  position: number,
  cipher: FileCipher,
): string | undefined {
  try {
    return Buffer.from(cipher.openBytes(box, aadOf(id, position))).toString()
  } catch {
    return undefined
  }
}

const aadOf = (id: string, position: number): string => `gateway/snapshot ${id} ${position}`

function readBytes(descriptor: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  const read = readSync(descriptor, bytes, 0, length, position)
  return bytes.subarray(0, read)
}
