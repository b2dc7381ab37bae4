import { expect, test } from 'vitest'
import { complaintOf, exchangeWith, usePlugin } from '../../test/harness/use-plugin.ts'
import { ipRestriction } from './ip-restriction.ts'

const verdictOf = (config: object, clientAddress: string): unknown => {
  try {
    return usePlugin(ipRestriction, config).onRequest(exchangeWith({ clientAddress }))
  } catch (error) {
    return error
  }
}

test('denies denied addresses, and those that are not allowed', () => {
  const config = { allow: ['10.0.0.0/8', '2001:db8::/32'], deny: ['10.1.0.0/16'] }
  expect(verdictOf(config, '10.2.0.1')).toBeUndefined()
  expect(verdictOf(config, '2001:db8::9')).toBeUndefined()
  const denied = { code: 'ip-restriction.address', status: 403 }
  for (const address of ['10.1.0.1', '::ffff:10.1.0.1', '11.0.0.1', '2001:db9::1'])
    expect(verdictOf(config, address)).toMatchObject(denied)
})

test('denies a client without an address', () => {
  expect(verdictOf({ deny: ['10.0.0.0/8'] }, '')).toMatchObject({ status: 403 })
  expect(verdictOf({ allow: ['0.0.0.0/0'] }, '')).toMatchObject({ status: 403 })
})

test('returns the configured status and message', () => {
  const refusal = verdictOf({ deny: ['::1'], status: 404, message: 'Not here' }, '::1')
  expect(refusal).toMatchObject({ status: 404, message: 'Not here' })
})

test('refuses invalid addresses, and a configuration without any', () => {
  for (const wrong of ['10.0.0.0/33', '10.0.0', 'localhost', '::1/129', '1.2.3.4 ', '0x7f.0.0.1'])
    expect(complaintOf(ipRestriction, { deny: [wrong] })).toBe(
      `deny.0: invalid ip or cidr range: '${wrong}'`,
    )
  for (const config of [{}, { allow: [], deny: null }])
    expect(complaintOf(ipRestriction, config)).toBe(
      `: at least one of these fields must be non-empty: 'config.allow', 'config.deny'`,
    )
})
