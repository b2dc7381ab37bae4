import { isRecord } from '../../lib/is-record.ts'
import type { Template } from './compile-template.ts'
import { transformParameters } from './transform-parameters.ts'
import { transformValues, type Steps } from './transform-values.ts'

type Transform = (
  bytes: Buffer,
  steps: Steps,
  render: (template: Template) => string,
) => Buffer | undefined

/** Transformation of a body of a content type; undefined for a type that is forwarded unchanged. */
export function bodyTransformFor(contentType: string): Transform | undefined {
  const type = contentType.toLowerCase()
  if (type.includes('application/json'))
    return (bytes, steps, render) =>
      transformJson(bytes.length === 0 ? Buffer.from('{}') : bytes, steps, render)
  return type.includes('application/x-www-form-urlencoded') ? transformForm : undefined
}

/** Transforms the members of an object; undefined for other bodies. */
export function transformJson<Source>(
  bytes: Buffer,
  steps: Steps<Source>,
  render: (source: Source) => unknown,
): Buffer | undefined {
  const members = membersOf(bytes)
  if (members === undefined) return undefined
  transformValues<unknown, Source, unknown>(
    {
      has: (name) => isThere(members.get(name)),
      set: (name, value) => members.set(name, value),
      append(name, value) {
        const known = members.get(name)
        const list = known === undefined || known === null ? [] : [known].flat()
        members.set(name, [...list, value])
      },
      delete: (name) => members.delete(name),
      take(name) {
        const value = members.get(name)
        if (isThere(value)) members.delete(name)
        return isThere(value) ? value : undefined
      },
      put: (name, value) => members.set(name, value),
    },
    steps,
    render,
  )
  // Not an object, in which `__proto__` would be no member.
  const texts = [...members].map(
    ([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`,
  )
  return Buffer.from(`{${texts.join(',')}}`)
}

/** As in Lua, false is not there. */
const isThere = (value: unknown): boolean => value !== undefined && value !== false

function membersOf(bytes: Buffer): Map<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString())
    return isRecord(value) ? new Map(Object.entries(value)) : undefined
  } catch {
    return undefined
  }
}

const transformForm: Transform = (bytes, steps, render) =>
  Buffer.from(transformParameters(bytes.toString(), steps, render))
