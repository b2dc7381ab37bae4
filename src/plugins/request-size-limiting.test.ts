import { expect, test } from 'vitest'
import { complaintOf, exchangeWith, usePlugin } from '../../test/harness/use-plugin.ts'
import { requestSizeLimiting } from './request-size-limiting.ts'

const statusFor = (config: object, headers: [string, string][], length?: number): unknown => {
  const exchange = exchangeWith({ method: 'POST' }, headers)
  if (length !== undefined)
    Object.assign(exchange, { body: { present: true, length, received: 0 } })
  try {
    return usePlugin(requestSizeLimiting, config).onRequest(exchange)
  } catch (error) {
    return (error as { status: unknown }).status
  }
}

test.each([
  ['bytes', 1],
  ['kilobytes', 1024],
  ['megabytes', 1_048_576],
])('counts in %s', (size_unit, bytes) => {
  const config = { allowed_payload_size: 3, size_unit }
  expect(statusFor(config, [], 3 * bytes)).toBeUndefined()
  expect(statusFor(config, [], 3 * bytes + 1)).toBe(413)
})

test('answers 417 to a client that waits for 100 (Continue)', () => {
  const config = { allowed_payload_size: 1, size_unit: 'bytes' }
  expect(statusFor(config, [['Expect', '100-Continue']], 2)).toBe(417)
})

test('requires a length if configured', () => {
  expect(statusFor({}, [])).toBeUndefined()
  expect(statusFor({ require_content_length: true }, [])).toBe(411)
  expect(statusFor({ require_content_length: true }, [['Content-Length', '0']], 0)).toBeUndefined()
})

test('refuses unknown units', () => {
  expect(complaintOf(requestSizeLimiting, { size_unit: 'gigabytes' })).toContain('size_unit')
  expect(complaintOf(requestSizeLimiting, { allowed_payload_size: 1.5 })).toContain('allowed')
})
