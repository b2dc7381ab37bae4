import type { CooperativeTask } from './cooperative-task.ts'

/** Levels of members that are serialized one by one; a member below is serialized at once. */
const depth = 4

/** Characters that are encoded at once. */
const chunkSize = 64 * 1024

/** The UTF-8 of `JSON.stringify` as a cooperative task, for plain values with lists of any length. */
export function* jsonSteps(value: unknown): CooperativeTask<Buffer> {
  const text = openText()
  yield* addSteps(text, value, depth)
  return text.encoded()
}

type Text = ReturnType<typeof openText>

/** A text that is encoded while it grows, because joining millions of parts at once takes long. */
function openText() {
  const chunks: Buffer[] = []
  let parts: string[] = []
  let length = 0
  const encode = (): void => {
    chunks.push(Buffer.from(parts.join('')))
    parts = []
    length = 0
  }
  return {
    add(...added: readonly string[]): void {
      for (const part of added) {
        parts.push(part)
        length += part.length
      }
      if (length >= chunkSize) encode()
    },
    encoded(): Buffer {
      encode()
      return Buffer.concat(chunks)
    },
  }
}

function* addSteps(text: Text, value: unknown, levels: number): CooperativeTask<void> {
  if (levels === 0 || typeof value !== 'object' || value === null || isCustom(value)) {
    text.add(JSON.stringify(value) ?? 'null')
    return
  }
  let separator = ''
  if (Array.isArray(value)) {
    text.add('[')
    for (const item of value as unknown[]) {
      yield
      text.add(separator)
      separator = ','
      yield* addSteps(text, isOmitted(item) ? null : item, levels - 1)
    }
    text.add(']')
    return
  }
  text.add('{')
  for (const [name, member] of Object.entries(value)) {
    if (isOmitted(member)) continue
    text.add(separator, JSON.stringify(name), ':')
    separator = ','
    yield* addSteps(text, member, levels - 1)
  }
  text.add('}')
}

const isCustom = (value: object): boolean => 'toJSON' in value && typeof value.toJSON === 'function'

/** Values that JSON.stringify omits. */
const isOmitted = (value: unknown): boolean =>
  value === undefined || typeof value === 'function' || typeof value === 'symbol'
