import { createHash, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { Problem } from '../lib/problem.ts'
import type { FoundCredential } from '../proxy/directory.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { definePlugin } from '../proxy/plugin.ts'
import {
  addPresentedSecrets,
  challenge,
  openAuthentication,
} from './authentication/open-authentication.ts'
import { previousSecrets } from './authentication/previous-secrets.ts'
import { anonymousSetting } from './authentication/settings.ts'

const settings = z.strictObject({
  anonymous: anonymousSetting('valid credentials'),
  hide_credentials: z
    .boolean()
    .default(true)
    .describe(
      'Remove the credentials from the forwarded request, so that the service cannot use them. Kong forwards them by default; false does too.',
    ),
  realm: z
    .string()
    .default('service')
    .describe('Realm of the WWW-Authenticate header of 401 responses.'),
})

export const basicAuth = definePlugin({
  name: 'basic-auth',
  about: 'Authenticates consumers by username and password (RFC 7617).',
  identifies: true,
  withoutScopes: ['consumer', 'consumer_group'],
  settings,
  prepare({ anonymous, hide_credentials: hides, realm }, tools) {
    const authentication = openAuthentication('basic-auth', anonymous, tools)
    const headers = { 'WWW-Authenticate': challenge('Basic', realm) }
    const refusal = (): Problem =>
      new Problem('basic-auth.unauthorized', 401, 'Unauthorized', { headers })
    /** The first pair whose username exists decides, as in Kong. */
    const find = (exchange: Exchange) => {
      for (const name of ['proxy-authorization', 'authorization']) {
        const pair = readBasic(exchange.request.headers.get(name))
        if (pair === undefined) continue
        addPresentedSecrets(exchange, pair.password === '' ? [] : [pair.password])
        if (hides) exchange.forward?.headers.delete(name)
        const found = tools.findCredential(exchange, 'basic_auths', pair.username)
        if (found !== undefined) return { ...found, password: pair.password }
      }
      return undefined
    }
    return {
      onRequest(exchange) {
        if (authentication.isSettled(exchange)) return
        const found = find(exchange)
        if (found === undefined || !isPassword(found.password, found.credential, tools.clock.now()))
          return authentication.refuse(exchange, refusal())
        const { consumer, credential } = found
        const { id, username: identifier } = credential
        authentication.accept(exchange, { consumer, credential: id, identifier })
      },
    }
  },
})

/** Username and password of an Authorization field; undefined when it has none of this scheme. */
function readBasic(
  field: string | undefined,
): { readonly username: string; readonly password: string } | undefined {
  const [, encoded] = /^\s*basic\s+([\w+/-]+=*)\s*$/i.exec(field ?? '') ?? []
  if (encoded === undefined) return undefined
  const decoded = Buffer.from(encoded, 'base64').toString()
  const colon = decoded.indexOf(':')
  if (colon < 1) return undefined
  return { username: decoded.slice(0, colon), password: decoded.slice(colon + 1) }
}

/** Compares with Kong's hash: SHA-1 of the password followed by the id of the consumer. */
function isPassword(
  password: string,
  credential: FoundCredential<'basic_auths'>['credential'],
  now: number,
): boolean {
  const given = createHash('sha1').update(password).update(credential.consumer).digest()
  const isSame = (stored: string): boolean => {
    const expected = Buffer.from(stored, 'hex')
    return expected.length === given.length && timingSafeEqual(expected, given)
  }
  return [credential.password, ...previousSecrets(credential, now)].some(isSame)
}
