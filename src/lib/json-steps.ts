import type { CooperativeTask } from './cooperative-task.ts'

/** Levels of members that are serialized one by one; a member below is serialized at once. */
const depth = 4

/** `JSON.stringify` as a cooperative task, for plain values with lists of any length. */
export function* jsonSteps(value: unknown): CooperativeTask<string> {
  const parts: string[] = []
  yield* addSteps(parts, value, depth)
  return parts.join('')
}

function* addSteps(parts: string[], value: unknown, levels: number): CooperativeTask<void> {
  if (levels === 0 || typeof value !== 'object' || value === null || isCustom(value)) {
    parts.push(JSON.stringify(value) ?? 'null')
    return
  }
  let separator = ''
  if (Array.isArray(value)) {
    parts.push('[')
    for (const item of value as unknown[]) {
      yield
      parts.push(separator)
      separator = ','
      yield* addSteps(parts, isOmitted(item) ? null : item, levels - 1)
    }
    parts.push(']')
    return
  }
  parts.push('{')
  for (const [name, member] of Object.entries(value)) {
    if (isOmitted(member)) continue
    parts.push(separator, JSON.stringify(name), ':')
    separator = ','
    yield* addSteps(parts, member, levels - 1)
  }
  parts.push('}')
}

const isCustom = (value: object): boolean => 'toJSON' in value && typeof value.toJSON === 'function'

/** What JSON has no form for. */
const isOmitted = (value: unknown): boolean =>
  value === undefined || typeof value === 'function' || typeof value === 'symbol'
