import { Problem } from '../../lib/problem.ts'
import { isRecord } from '../../lib/is-record.ts'
import { formLimits } from './body-limits.ts'

/**
 * Builds an object from form fields as Kong does: `config.minute=5` nests; `paths[]=/a`, `paths[1]=/a` and repeated names build lists.
 * Linear in the size of the form; throws a 400 beyond `formLimits`.
 */
export function readForm(pairs: Iterable<readonly [string, string]>): Record<string, unknown> {
  const body: Record<string, unknown> = {}
  let fields = 0
  for (const [name, value] of pairs) {
    fields += 1
    if (fields > formLimits.fields) throw tooManyFields()
    put(body, name, value)
  }
  return body
}

/** Kong's sentence; the detail names the limit. */
export const tooManyFields = (): Problem =>
  new Problem('admin.form_fields', 400, 'Too many arguments', {
    detail: { because: `A form has at most ${formLimits.fields} fields.` },
  })

const forbidden: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

function put(body: Record<string, unknown>, path: string, value: string): void {
  const segments = path.split('.', formLimits.depth + 1)
  if (segments.length > formLimits.depth) {
    throw new Problem('admin.form_depth', 400, 'Cannot parse form body', {
      detail: { because: `A field of a form has at most ${formLimits.depth} levels.` },
    })
  }
  const last = segments.pop() ?? ''
  let parent = body
  for (const segment of segments) {
    const name = withoutIndex(segment)
    if (forbidden.has(name)) return
    const known = memberOf(parent, name)
    const inner = isRecord(known) ? known : {}
    parent[name] = inner
    parent = inner
  }
  const name = withoutIndex(last)
  if (forbidden.has(name)) return
  const known = memberOf(parent, name)
  if (Array.isArray(known)) known.push(value)
  else if (known !== undefined) parent[name] = [known, value]
  else parent[name] = name === last ? value : [value]
}

const withoutIndex = (segment: string): string => segment.replace(/\[\d*\]$/, '')

/** Excludes inherited members, such as `toString`. */
const memberOf = (parent: Record<string, unknown>, name: string): unknown =>
  Object.hasOwn(parent, name) ? parent[name] : undefined
