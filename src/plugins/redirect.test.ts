import { expect, test } from 'vitest'
import { complaintOf, exchangeWith, usePlugin } from '../../test/harness/use-plugin.ts'
import { redirect } from './redirect.ts'

const answerTo = (config: object, path: string, query = ''): unknown =>
  usePlugin(redirect, config).onRequest(exchangeWith({ path, query }))

test('redirects to the location, with or without the path of the request', () => {
  const location = 'https://shop.example/start?x=1'
  expect(answerTo({ location }, '/a', 'b=2')).toMatchObject({
    status: 301,
    headers: { Location: location },
    body: 'redirecting',
  })
  const kept = { location, keep_incoming_path: true, status_code: 308 }
  expect(answerTo(kept, '/a', 'b=2')).toMatchObject({
    status: 308,
    headers: { Location: 'https://shop.example/a?b=2' },
  })
})

test('no path leads to another host', () => {
  for (const path of ['//evil.example/x', '/\\evil.example', '/@evil.example', '/..//evil.example'])
    expect(
      answerTo({ location: 'https://shop.example/', keep_incoming_path: true }, path),
    ).toMatchObject({ headers: { Location: expect.stringMatching(/^https:\/\/shop\.example\//) } })
})

test('refuses a location without a host, and an invalid status', () => {
  for (const location of ['/start', 'shop.example', 'mailto:a@b.example', ''])
    expect(complaintOf(redirect, { location })).toBe('location: missing host in url')
  expect(complaintOf(redirect, { location: 'https://a.example', status_code: 99 })).toBe(
    'status_code: value should be between 100 and 599',
  )
  expect(complaintOf(redirect, {})).toContain('location')
})
