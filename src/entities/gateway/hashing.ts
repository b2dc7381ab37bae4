import type { z } from 'zod'

type Fields = Readonly<Record<string, unknown>>
type Complain = (field: string, message: string) => void

const inputs = ['none', 'consumer', 'ip', 'header', 'cookie', 'path', 'query_arg', 'uri_capture']

/** The rules over an upstream's fields, with Kong's sentences: what an input needs, and which inputs go together. */
export const checkHashing: z.core.CheckFn<Record<string, unknown>> = ({ value, issues }) => {
  const complain: Complain = (field, message) =>
    void issues.push({ code: 'custom', message, path: field === '' ? [] : [field], input: value })
  if (value['algorithm'] === 'sticky-sessions')
    demand(value, ['algorithm', 'sticky_sessions_cookie'], complain)
  for (const [by, fields] of Object.entries(needs)) {
    for (const field of fields) {
      if (value[by] === field.kind) demand(value, [by, field.name], complain)
    }
  }
  checkFallback(value, complain)
  for (const name of ['header', 'query_arg', 'uri_capture']) {
    const [first, second] = [`hash_on_${name}`, `hash_fallback_${name}`] as const
    if (value[first] !== null && value[first] === value[second])
      complain('', `values of these fields must be distinct: '${first}', '${second}'`)
  }
}

const needs = {
  hash_on: ['header', 'cookie', 'query_arg', 'uri_capture'].map((kind) => ({
    kind,
    name: `hash_on_${kind}`,
  })),
  hash_fallback: [
    { kind: 'header', name: 'hash_fallback_header' },
    { kind: 'cookie', name: 'hash_on_cookie' },
    { kind: 'query_arg', name: 'hash_fallback_query_arg' },
    { kind: 'uri_capture', name: 'hash_fallback_uri_capture' },
  ],
}

function demand(value: Fields, [by, field]: readonly [string, string], complain: Complain): void {
  if (value[field] !== null) return
  complain('', `failed conditional validation given value of field '${by}'`)
  complain(field, 'required field missing')
}

/** Without an input, or with a cookie (which every client is given), there is nothing to fall back from; nothing falls back to itself. */
function checkFallback(value: Fields, complain: Complain): void {
  const by = String(value['hash_on'])
  const accepted = acceptedFallbacks(by)
  if (accepted.includes(String(value['hash_fallback']))) return
  complain('', `failed conditional validation given value of field 'hash_on'`)
  complain('hash_fallback', `expected one of: ${accepted.join(', ')}`)
}

function acceptedFallbacks(by: string): readonly string[] {
  if (by === 'none' || by === 'cookie') return ['none']
  return ['consumer', 'ip', 'path'].includes(by) ? inputs.filter((input) => input !== by) : inputs
}
