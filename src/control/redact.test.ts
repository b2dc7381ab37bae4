import { expect, test } from 'vitest'
import { entityNamed } from '../entities/entities.ts'
import { redactEntry } from './redact.ts'

const entry = (fields: Record<string, unknown>) => ({
  id: 'i',
  workspace: 'w',
  createdAt: 0,
  updatedAt: 0,
  fields,
})

test('redacts declared secrets and settings whose names suggest a secret', () => {
  const config = {
    redis: { host: 'h', password: 'hidden', username: 'u' },
    client_secret: ['hidden', '{vault://env/secret}'],
    key_names: ['apikey'],
    secret_is_base64: true,
    token: '',
    headers: { Authorization: 'hidden', 'X-Api-Key': 'hidden', 'X-Tenant': 't' },
    http_endpoint: 'https://user:hidden@h:1/path?a=b@c',
  }
  expect(redactEntry(entityNamed('plugin'), entry({ name: 'p', config }))).toEqual({
    entity: 'plugin',
    id: 'i',
    workspace: 'w',
    name: 'p',
    config: {
      redis: { host: 'h', password: 'REDACTED', username: 'u' },
      client_secret: ['REDACTED', '{vault://env/secret}'],
      key_names: ['apikey'],
      secret_is_base64: true,
      token: '',
      headers: { Authorization: 'REDACTED', 'X-Api-Key': 'REDACTED', 'X-Tenant': 't' },
      http_endpoint: 'https://REDACTED@h:1/path?a=b@c',
    },
  })
  const key = redactEntry(entityNamed('key-auth'), entry({ key: 'hidden', tags: null }))
  expect(key).toMatchObject({ key: 'REDACTED', tags: null })
})
