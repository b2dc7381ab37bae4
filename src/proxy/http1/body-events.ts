import type { HeaderList } from '../header-list.ts'

/** Takes what a body reader finds. */
export type BodyEvents = {
  part(bytes: Buffer): void
  /** The body is complete; trailers are there when it came in chunks and had some. */
  end(trailers: HeaderList | undefined): void
}

/** Finds the end of a body in a stream of bytes. */
export type BodyReader = {
  /** Reads from `at` on; returns where the body ended, or -1 when all bytes were of the body. Throws a MalformedBody. */
  read(bytes: Buffer, at: number): number
  /** The connection ended; false when that was too early. */
  close(): boolean
}

/** Bytes that are not the body they should be. */
export class MalformedBody extends Error {}
