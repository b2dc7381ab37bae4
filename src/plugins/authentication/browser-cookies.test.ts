import { expect, test } from 'vitest'
import type { Exchange } from '../../proxy/exchange.ts'
import { HeaderList } from '../../proxy/header-list.ts'
import {
  cookiesOf,
  hideCookies,
  readChunks,
  writeChunks,
  type CookieOptions,
} from './browser-cookies.ts'

const options: CookieOptions = {
  path: '/',
  domain: null,
  sameSite: 'Lax',
  httpOnly: true,
  secure: null,
}

/** An exchange with these cookies, as far as cookies are concerned. */
const exchangeWith = (cookies: Readonly<Record<string, string>>) => {
  const field = Object.entries(cookies)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ')
  const headers = new HeaderList(['Cookie', field])
  const request = { headers, scheme: 'https' }
  const forward = { headers: new HeaderList([...headers.flat]) }
  return { request, forward, answerHeaders: new HeaderList() } as unknown as Exchange
}

/** Cookies of a browser after an answer. */
function receive(cookies: Record<string, string>, { answerHeaders }: Exchange) {
  const kept = new Map(Object.entries(cookies))
  for (const field of answerHeaders.all('set-cookie')) {
    expect(field.length).toBeLessThanOrEqual(4096)
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(field) ?? []
    if (field.includes('Max-Age=0')) kept.delete(name)
    else kept.set(name, value)
  }
  return Object.fromEntries(kept)
}

test('values of any length come back, whatever was there before (oauth2-proxy #1902, OpenHands PR #14482)', () => {
  let cookies: Record<string, string> = { other: '1' }
  for (const length of [1, 3_800, 3_801, 18_000, 5_000, 7_601, 10]) {
    const exchange = exchangeWith(cookies)
    const value = 'abc'.repeat(length).slice(0, length)
    writeChunks(exchange, 'session', value, { seconds: 60, options })
    cookies = receive(cookies, exchange)
    expect(readChunks(cookiesOf(exchangeWith(cookies)), 'session')).toBe(value)
    expect(Object.keys(cookies)).toHaveLength(1 + Math.ceil(length / 3_800))
  }
  const last = exchangeWith(cookies)
  writeChunks(last, 'session', '', { seconds: 0, options })
  expect(receive(cookies, last)).toEqual({ other: '1' })
})

test('cookies are Secure for requests by https, and the service receives those of others only', () => {
  const exchange = exchangeWith({ session: 'a', '__Host-session_2': 'b', sessions: 'c', x: 'd' })
  writeChunks(exchange, 'session', 'v', { seconds: 60, options })
  expect(exchange.answerHeaders.get('set-cookie')).toBe(
    'session=v; Path=/; Max-Age=60; SameSite=Lax; HttpOnly; Secure',
  )
  hideCookies(exchange, ['session'])
  expect(exchange.forward?.headers.get('cookie')).toBe('sessions=c; x=d')
})
