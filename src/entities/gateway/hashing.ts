import type { z } from 'zod'

type Fields = Readonly<Record<string, unknown>>
type Report = (field: string, message: string) => void

const inputs = ['none', 'consumer', 'ip', 'header', 'cookie', 'path', 'query_arg', 'uri_capture']

/** Kong's rules over the hash fields of an upstream, with its error messages. */
export const checkHashing: z.core.CheckFn<Record<string, unknown>> = ({ value, issues }) => {
  const report: Report = (field, message) =>
    void issues.push({ code: 'custom', message, path: field === '' ? [] : [field], input: value })
  if (value['algorithm'] === 'sticky-sessions')
    requireField(value, ['algorithm', 'sticky_sessions_cookie'], report)
  for (const [by, fields] of Object.entries(requiredFields)) {
    for (const field of fields) {
      if (value[by] === field.kind) requireField(value, [by, field.name], report)
    }
  }
  checkFallback(value, report)
  for (const name of ['header', 'query_arg', 'uri_capture']) {
    const [first, second] = [`hash_on_${name}`, `hash_fallback_${name}`] as const
    if (value[first] !== null && value[first] === value[second])
      report('', `values of these fields must be distinct: '${first}', '${second}'`)
  }
}

const requiredFields = {
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

function requireField(value: Fields, [by, field]: readonly [string, string], report: Report): void {
  if (value[field] !== null) return
  report('', `failed conditional validation given value of field '${by}'`)
  report(field, 'required field missing')
}

/** `none` and `cookie` (set for every client) need no fallback, and an input cannot be its own fallback. */
function checkFallback(value: Fields, report: Report): void {
  const by = String(value['hash_on'])
  const accepted = acceptedFallbacks(by)
  if (accepted.includes(String(value['hash_fallback']))) return
  report('', `failed conditional validation given value of field 'hash_on'`)
  report('hash_fallback', `expected one of: ${accepted.join(', ')}`)
}

function acceptedFallbacks(by: string): readonly string[] {
  if (by === 'none' || by === 'cookie') return ['none']
  return ['consumer', 'ip', 'path'].includes(by) ? inputs.filter((input) => input !== by) : inputs
}
