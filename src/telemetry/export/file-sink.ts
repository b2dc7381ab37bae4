import { constants, type FileHandle, open, realpath } from 'node:fs/promises'
import { dirname, isAbsolute, join, relative, resolve, basename } from 'node:path'
import type { ExportTarget } from '../../schema/exporter.ts'
import type { Sink } from './sink.ts'

/** Standard streams of the worker, which may be pipes and sockets that no path opens. */
const streams: Readonly<Record<string, NodeJS.WriteStream>> = {
  '/dev/stdout': process.stdout,
  '/dev/stderr': process.stderr,
}

/** Appends batches to a file below one of `directories`, which all workers share. With `reopens`, the file is opened for each batch, so that it may be renamed at any time. */
export function openFileSink(
  { path, reopens }: Extract<ExportTarget, { kind: 'file' }>,
  directories: readonly string[],
): Sink {
  const stream = streams[path]
  let file: FileHandle | undefined

  const openFile = async (): Promise<FileHandle> => {
    const full = resolve(path)
    // A link below the directory must not lead out of it.
    const real = join(await realpath(dirname(full)), basename(full))
    const allowed = await Promise.all(directories.map((one) => realpath(one).catch(() => one)))
    if (!allowed.some((directory) => isBelow(directory, real)))
      throw new Error(`${path} is not below a directory of WEIR_LOG_DIRECTORIES`)
    const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants
    // Without O_NONBLOCK, a pipe that nobody reads blocks a thread.
    return open(real, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o644)
  }
  const closeFile = async (): Promise<void> => {
    const closing = file
    file = undefined
    await closing?.close()
  }

  return {
    async send(body) {
      if (stream !== undefined) {
        const { promise, resolve: sent, reject } = Promise.withResolvers<void>()
        stream.write(body, (error) =>
          error === null || error === undefined ? sent() : reject(error),
        )
        return promise
      }
      try {
        file ??= await openFile()
        // One write for a batch: with O_APPEND, those of other workers come before or after it.
        let rest: Uint8Array = typeof body === 'string' ? Buffer.from(body) : body
        while (rest.length > 0) rest = rest.subarray((await file.write(rest)).bytesWritten)
      } catch (error) {
        await closeFile().catch(() => undefined)
        throw error
      }
      if (reopens) await closeFile()
    },
    close() {
      closeFile().catch(() => undefined)
    },
  }
}

function isBelow(directory: string, path: string): boolean {
  const way = relative(directory, path)
  return way !== '' && way !== '..' && !way.startsWith('../') && !isAbsolute(way)
}
