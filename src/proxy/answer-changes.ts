import { Problem } from '../lib/problem.ts'
import type { HeaderList } from './header-list.ts'

/** Changes an answer before it is sent, whether the service or the gateway gave it. */
export type AnswerTransform = {
  /** Changes the fields, before the gateway adds its own. */
  headers(headers: HeaderList): void
  /** How the body changes that has these fields, or undefined to pass it on as it comes. Returns undefined for a body that stays as it is. */
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

/** Applies all changes of fields, and returns how the body changes; undefined when it stays as it is. */
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
