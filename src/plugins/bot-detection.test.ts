import { expect, test } from 'vitest'
import { complaintOf, exchangeWith, usePlugin } from '../../test/harness/use-plugin.ts'
import { botDetection } from './bot-detection.ts'

const isDenied = (agent: string, config: object = {}): boolean => {
  try {
    usePlugin(botDetection, config).onRequest(exchangeWith({}, [['User-Agent', agent]]))
    return false
  } catch (error) {
    expect(error).toMatchObject({ status: 403, message: 'Forbidden' })
    return true
  }
}

const people = [
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_10_5) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/54.0.2840.87 Safari/537.36',
  'Mozilla/5.0 (Linux; Android 7.0; CUBOT_NOTE_S Build/NRD90M) AppleWebKit/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148',
  'curl/8.5.0',
  'HTTPie/3.2',
  '',
]
const bots = [
  'Googlebot/2.1 (+http://www.google.com/bot.html)',
  'Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)',
  'facebookexternalhit/1.1',
  'Twitterbot/1.0',
  'Go-http-client/1.1',
  'okhttp/4.9',
  'Mozilla/5.0 (compatible; AhrefsBot/7.0)',
  'Mozilla/5.0 (compatible; Baiduspider/2.0)',
  'my-crawler',
  'aws-sdk-java/1.11',
]

test('denies bots and allows browsers', () => {
  expect(people.filter((agent) => isDenied(agent))).toEqual([])
  expect(bots.filter((agent) => !isDenied(agent))).toEqual([])
})

test('`allow` precedes `deny`, which precedes the known bots', () => {
  expect(isDenied('Twitterbot/1.0', { allow: ['^Twitter'] })).toBe(false)
  expect(isDenied('curl/8.5.0', { deny: ['^curl/'] })).toBe(true)
  expect(isDenied('curl/8.5.0', { allow: ['curl'], deny: ['curl'] })).toBe(false)
})

test('refuses two user agents, and decides about many and long ones', () => {
  const plugin = usePlugin(botDetection, { deny: ['(a+)+$'] })
  const twice = exchangeWith({}, [
    ['User-Agent', 'a'],
    ['user-agent', 'b'],
  ])
  expect(() => plugin.onRequest(twice)).toThrow(
    expect.objectContaining({ status: 400, message: 'Only one User-Agent header allowed' }),
  )
  const long = exchangeWith({}, [['User-Agent', `${'a'.repeat(60_000)}!`]])
  expect(plugin.onRequest(long)).toBeUndefined()
  for (let index = 0; index < 20_001; index += 1)
    plugin.onRequest(exchangeWith({}, [['User-Agent', `person ${index}`]]))
})

test('refuses invalid expressions', () => {
  expect(complaintOf(botDetection, { deny: ['('] })).toContain('deny.0: not a valid regex')
  expect(complaintOf(botDetection, { allow: [7] })).toContain('allow.0')
})
