import { Readable } from 'node:stream'
import type { RequestBody } from './exchange.ts'

/** Bytes up to which a body is kept, so that it can be forwarded after it was read. */
const maxSmallBody = 65_536

/** The whole body; undefined when it is too large to be kept, in which case it can still be forwarded. */
export async function readSmallBody(body: RequestBody): Promise<Buffer | undefined> {
  if ((body.length ?? 0) > maxSmallBody) return undefined
  await body.readAhead()
  if (!body.isWhole || !body.replayable) return undefined
  const parts: Buffer[] = []
  for await (const part of body.open()) parts.push(part as Buffer)
  return Buffer.concat(parts)
}

/** A body of other bytes, framed like the original. */
export const replaceBody = ({ length, trailers }: RequestBody, bytes: Uint8Array): RequestBody => ({
  present: true,
  length: length === undefined ? undefined : bytes.length,
  received: bytes.length,
  isWhole: true,
  replayable: true,
  open: () => Readable.from(bytes.length === 0 ? [] : [bytes]),
  readAhead: () => undefined,
  trailers,
})
