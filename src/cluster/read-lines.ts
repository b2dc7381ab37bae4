import { Problem } from '../lib/problem.ts'

/** Reads the complete lines of a stream, those of each chunk at a time, and no further than they are consumed. Lines may be empty. */
export async function* readLines(
  chunks: AsyncIterable<Buffer>,
  maxBytes: number,
): AsyncGenerator<string[]> {
  let parts: Buffer[] = []
  let size = 0
  for await (const chunk of chunks) {
    const end = chunk.lastIndexOf(0x0a)
    parts.push(end < 0 ? chunk : chunk.subarray(0, end))
    size += chunk.length
    if (size > maxBytes)
      throw new Problem('control.line', 502, `A line is longer than ${maxBytes} bytes`)
    if (end < 0) continue
    const lines = Buffer.concat(parts).toString().split('\n')
    parts = [chunk.subarray(end + 1)]
    size = parts[0]?.length ?? 0
    yield lines
  }
}
