import { isRecord } from '../../lib/is-record.ts'

/** Builds an object from form fields as Kong does: `config.minute=5` nests; `paths[]=/a`, `paths[1]=/a` and repeated names build lists. */
export function readForm(pairs: Iterable<readonly [string, string]>): Record<string, unknown> {
  const body: Record<string, unknown> = {}
  for (const [name, value] of pairs) put(body, name.split('.'), value)
  return body
}

const forbidden: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

function put(body: Record<string, unknown>, path: readonly string[], value: string): void {
  const [first = '', ...rest] = path
  const name = first.replace(/\[\d*\]$/, '')
  if (forbidden.has(name)) return
  const known = body[name]
  if (rest.length > 0) {
    const inner = isRecord(known) ? known : {}
    body[name] = inner
    put(inner, rest, value)
  } else {
    const isList = name !== first || known !== undefined
    body[name] = isList ? [...listOf(known), value] : value
  }
}

function listOf(known: unknown): unknown[] {
  if (known === undefined) return []
  return Array.isArray(known) ? (known as unknown[]) : [known]
}
