import { Problem } from '../lib/problem.ts'
import type { HeaderList } from './header-list.ts'

/** Changes an answer of the service or of the gateway before it is sent. */
export type AnswerTransform = {
  /** Changes the fields, before the gateway adds its own. */
  headers(headers: HeaderList): void
  /** The transformation of a body with these fields, or undefined to stream it unchanged. The transformation returns undefined for an unchanged body. */
  body?(headers: HeaderList): ((bytes: Buffer) => Uint8Array | undefined) | undefined
}

/** Receives the body of a service's answer while it is sent. The bytes belong to the caller. */
export type AnswerObserver = {
  part(chunk: Uint8Array): void
  /** The body is complete. */
  end(): void
}

/** Bytes up to which an answer is read before it is sent, to transform its body; parsing more would stall the event loop. */
const maxTransformedBody = 1_048_576

/** Reads a body that is transformed; part of the answer must not have been sent. */
export function collectBody(): {
  add(chunk: Uint8Array): void
  bytes(): Buffer
} {
  const parts: Uint8Array[] = []
  let length = 0
  return {
    add(chunk) {
      length += chunk.length
      if (length > maxTransformedBody)
        throw new Problem(
          'answer.too_large',
          502,
          'The response is larger than the 1 MiB that can be transformed',
        )
      parts.push(Buffer.from(chunk))
    },
    bytes: () => Buffer.concat(parts),
  }
}

/** Applies all changes of fields, and returns the transformation of the body; undefined when it is unchanged. */
export function applyTransforms(
  transforms: readonly AnswerTransform[],
  headers: HeaderList,
): ((bytes: Buffer) => Uint8Array) | undefined {
  let change: ((bytes: Buffer) => Uint8Array) | undefined
  for (const transform of transforms) {
    transform.headers(headers)
    const next = transform.body?.(headers)
    if (next === undefined) continue
    const before = change
    change = (bytes) => {
      const changed = before?.(bytes) ?? bytes
      return next(Buffer.from(changed.buffer, changed.byteOffset, changed.length)) ?? changed
    }
  }
  return change
}
