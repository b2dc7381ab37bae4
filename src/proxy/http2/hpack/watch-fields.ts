import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { copyOf, readInto, type Taker } from '../../front/read-into.ts'
import { inspectFrames } from './inspect-frames.ts'

/** Finds streams with malformed fields, which the HTTP/2 library drops without a word. */
export type FieldWatch = {
  /** What the session reads and writes instead of the socket. */
  readonly stream: Duplex
  /** Whether a header block of the stream was malformed since the last call. */
  isMalformed(this: void, stream: number): boolean
}

/** What the socket brings from its preface on is seen before the session sees it; `first` are bytes that were already read. `onMalformed` is called for each malformed header block. */
export function watchFields(
  socket: Socket,
  first: Buffer | undefined,
  onMalformed: (stream: number) => void,
  onFault: (error: unknown) => void,
): FieldWatch {
  const malformed = new Set<number>()
  let isBroken = false
  const inspect = inspectFrames({
    onMalformed(stream) {
      malformed.add(stream)
      onMalformed(stream)
    },
    onBroken: () => (isBroken = true),
  })
  const stream = openPassage(socket, first, (bytes, length) => {
    try {
      inspect(bytes, length)
      return true
    } catch (error) {
      onFault(error)
      return false
    }
  })
  return { stream, isMalformed: (id) => malformed.delete(id) || isBroken }
}

type Write = { readonly chunk: Buffer }

/** A stream that reads and writes a socket; the socket is closed when `see` returns false. */
function openPassage(
  socket: Socket,
  first: Buffer | undefined,
  see: (bytes: Buffer, length: number) => boolean,
): Duplex {
  const passage = new Duplex({
    read: () => void socket.resume(),
    write: (chunk: Buffer, _encoding, done) => void socket.write(chunk, done),
    writev(writes: readonly Write[], done) {
      socket.cork()
      for (const [at, { chunk }] of writes.entries())
        socket.write(chunk, at === writes.length - 1 ? done : undefined)
      socket.uncork()
    },
    final: (done) => void socket.end(done),
    destroy(error, done) {
      socket.destroy()
      done(error)
    },
  })
  socket.on('end', () => void passage.push(null))
  socket.on('error', (error) => passage.destroy(error))
  socket.on('close', () => passage.destroy())
  const take: Taker = (bytes, length) => {
    if (passage.destroyed) return
    if (!see(bytes, length)) passage.destroy()
    else if (!passage.push(copyOf(bytes, length))) socket.pause()
  }
  if (first !== undefined) take(first, first.length)
  readInto(socket, take)
  return passage
}
