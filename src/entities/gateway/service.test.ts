import { expect, test } from 'vitest'
import { service } from './service.ts'

test.each([
  ['grpc://api.test:9000', { protocol: 'grpc', host: 'api.test', port: 9000, path: null }],
  ['grpcs://api.test:9000', { protocol: 'grpcs', host: 'api.test', port: 9000, path: null }],
  ['tcp://api.test:5432', { protocol: 'tcp', host: 'api.test', port: 5432, path: null }],
  ['tls://[::1]:5432', { protocol: 'tls', host: '[::1]', port: 5432, path: null }],
  ['http://api.test', { protocol: 'http', host: 'api.test', port: 80, path: null }],
  ['https://api.test/', { protocol: 'https', host: 'api.test', port: 443, path: '/' }],
])('reads the url %s', (url, expected) => {
  expect(service.normalize?.({ url })).toEqual(expected)
})
