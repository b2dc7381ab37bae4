import { randomFillSync } from 'node:crypto'
import type { Forward } from '../../proxy/exchange.ts'
import type { HeaderList } from '../../proxy/header-list.ts'

export const formats = ['w3c', 'b3', 'b3-single'] as const
export type Format = (typeof formats)[number]

/** The trace context of a client; ids are hexadecimal digits. */
export type Extracted = {
  readonly format: Format
  /** Undefined when only the decision about sampling was sent. */
  readonly traceId: string | undefined
  readonly spanId: string | undefined
  readonly isSampled: boolean | undefined
}

/** The context for a service. */
export type Injected = {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string
  readonly isSampled: boolean
}

/** Reads the context of the first format that has one. */
export function extract(headers: HeaderList, from: readonly Format[]): Extracted | undefined {
  for (const format of from) {
    const found = format === 'w3c' ? extractW3c(headers) : extractB3(headers)
    if (found !== undefined) return found
  }
  return undefined
}

/** W3C Trace Context section 3.2; a later version is read as version 00 (section 4.3.2). */
const traceparent =
  /^(?!ff)([\da-f]{2})-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-([\da-f]{2})(-.*)?$/

function extractW3c(headers: HeaderList): Extracted | undefined {
  const values = headers.all('traceparent')
  const [, version, traceId, spanId, flags = '', more] = traceparent.exec(values[0] ?? '') ?? []
  if (values.length !== 1 || traceId === undefined) return undefined
  if (version === '00' && more !== undefined) return undefined
  return { format: 'w3c', traceId, spanId, isSampled: Number.parseInt(flags, 16) % 2 === 1 }
}

const b3Single = /^([\da-f]{16}|[\da-f]{32})-([\da-f]{16})(?:-([01d])(?:-[\da-f]{16})?)?$/i
const b3TraceId = /^(?:[\da-f]{16}|[\da-f]{32})$/i
const b3SpanId = /^[\da-f]{16}$/i

function extractB3(headers: HeaderList): Extracted | undefined {
  const single = headers.get('b3')
  if (single !== undefined) return readB3Single(single)
  const isSampled = readB3Sampled(headers)
  const [trace, span] = [headers.get('x-b3-traceid') ?? '', headers.get('x-b3-spanid') ?? '']
  const ids = b3TraceId.test(trace) && b3SpanId.test(span) ? idsOf(trace, span) : undefined
  if (ids !== undefined) return { format: 'b3', ...ids, isSampled }
  if (isSampled === undefined) return undefined
  return { format: 'b3', traceId: undefined, spanId: undefined, isSampled }
}

/** `d` is debug, which implies sampling. */
function readB3Single(single: string): Extracted | undefined {
  const format = 'b3-single'
  if (/^[01d]$/.test(single))
    return { format, traceId: undefined, spanId: undefined, isSampled: single !== '0' }
  const [, trace, span, sampled] = b3Single.exec(single) ?? []
  const ids = idsOf(trace, span)
  return ids && { format, ...ids, isSampled: sampled === undefined ? undefined : sampled !== '0' }
}

function readB3Sampled(headers: HeaderList): boolean | undefined {
  const sampled = headers.get('x-b3-sampled') ?? ''
  if (headers.get('x-b3-flags') === '1' || /^(1|true)$/.test(sampled)) return true
  return /^(0|false)$/.test(sampled) ? false : undefined
}

/** Trace ids of 64 bits are filled with zeros. */
function idsOf(trace: string | undefined, span: string | undefined) {
  if (trace === undefined || span === undefined) return undefined
  const [traceId, spanId] = [trace.toLowerCase().padStart(32, '0'), span.toLowerCase()]
  return /^0+$/.test(traceId) || /^0+$/.test(spanId) ? undefined : { traceId, spanId }
}

/** Replaces the fields of a format. A `tracestate` without its `traceparent` is removed by the caller. */
export function inject(
  { headers }: Pick<Forward, 'headers'>,
  format: Format,
  context: Injected,
): void {
  const { traceId, spanId, parentSpanId, isSampled } = context
  const flag = isSampled ? '1' : '0'
  if (format === 'w3c') return headers.set('traceparent', `00-${traceId}-${spanId}-0${flag}`)
  if (format === 'b3-single')
    return headers.set(
      'b3',
      [traceId, spanId, flag, ...(parentSpanId === '' ? [] : [parentSpanId])].join('-'),
    )
  headers.set('x-b3-traceid', traceId)
  headers.set('x-b3-spanid', spanId)
  headers.set('x-b3-sampled', flag)
  headers.delete('x-b3-flags')
  headers.delete('x-b3-parentspanid')
  if (parentSpanId !== '') headers.add('x-b3-parentspanid', parentSpanId)
}

const pool = Buffer.allocUnsafe(4_096)
let used = pool.length

/** Random hexadecimal digits that are not all zero. */
export function randomId(bytes: 8 | 16): string {
  for (;;) {
    if (used + bytes > pool.length) {
      randomFillSync(pool)
      used = 0
    }
    const id = pool.toString('hex', used, used + bytes)
    used += bytes
    if (!/^0+$/.test(id)) return id
  }
}

/** Decides by the last 56 bits of the trace id, as OpenTelemetry's consistent probability sampling: every gateway makes the same decision. */
export const isWithinRate = (traceId: string, rate: number): boolean =>
  Number.parseInt(traceId.slice(18), 16) >= (1 - rate) * 2 ** 56
