import { createHash, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { Problem } from '../lib/problem.ts'
import type { FoundCredential } from '../proxy/directory.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { definePlugin } from '../proxy/plugin.ts'
import { readSmallBody } from '../proxy/small-body.ts'
import { challenge, openAuthentication } from './authentication/open-authentication.ts'
import { previousSecrets } from './authentication/previous-secrets.ts'
import { anonymousSetting, realmSetting } from './authentication/settings.ts'
import {
  algorithms,
  isSignedBy,
  readSignature,
  type Signature,
} from './hmac-auth/read-signature.ts'

const settings = z.strictObject({
  hide_credentials: z
    .boolean()
    .default(true)
    .describe(
      'Remove the signature from the forwarded request. Kong forwards it by default; false does too.',
    ),
  clock_skew: z
    .number()
    .gt(0, { error: 'value must be greater than 0' })
    .default(300)
    .describe(
      'Maximum difference between the clock and the header X-Date or Date of the request, in seconds.',
    ),
  anonymous: anonymousSetting('a valid signature'),
  validate_request_body: z
    .boolean()
    .default(false)
    .describe(
      'Compare the header Digest (SHA-256) with the body, of at most 64 KiB. Clients must sign the header.',
    ),
  enforce_headers: z
    .array(z.string())
    .default([])
    .describe('Headers that must be signed, such as date and @request-target.'),
  algorithms: z
    .array(z.enum(algorithms))
    .default([...algorithms])
    .describe('Algorithms of signatures that are accepted.'),
  realm: realmSetting(),
})

type Settings = z.output<typeof settings>

export const hmacAuth = definePlugin({
  name: 'hmac-auth',
  about: 'Authenticates consumers by HMAC signatures of requests (draft-cavage-http-signatures).',
  identifies: true,
  withoutScopes: ['consumer', 'consumer_group'],
  settings,
  prepare(settings, tools) {
    const authentication = openAuthentication('hmac-auth', settings.anonymous, tools)
    const headers = { 'WWW-Authenticate': challenge('hmac', settings.realm) }
    const refuse = (exchange: Exchange, code: Code, message: string): void =>
      authentication.refuse(exchange, new Problem(code, 401, message, { headers }))
    const accept = (exchange: Exchange, found: FoundCredential<'hmac_auths'>): void => {
      const { consumer, credential } = found
      const { id, username: identifier } = credential
      authentication.accept(exchange, { consumer, credential: id, identifier })
    }
    return {
      onRequest(exchange) {
        if (authentication.isSettled(exchange)) return undefined
        const { headers: sent } = exchange.request
        if ((sent.get('authorization') ?? sent.get('proxy-authorization')) === undefined)
          return refuse(exchange, 'hmac-auth.none', 'Unauthorized')
        if (!isRecent(exchange, settings, tools.clock.now()))
          return refuse(exchange, 'hmac-auth.date', invalidDate)
        const signature = takeSignature(exchange, settings)
        const found =
          signature !== undefined && isAcceptable(signature, settings)
            ? tools.findCredential(exchange, 'hmac_auths', signature.username)
            : undefined
        if (found === undefined || signature === undefined)
          return refuse(exchange, 'hmac-auth.unverifiable', 'HMAC signature cannot be verified')
        const { credential } = found
        const secrets = [credential.secret, ...previousSecrets(credential, tools.clock.now())]
        if (!secrets.some((secret) => isSignedBy(signature, exchange.request, secret)))
          return refuse(exchange, 'hmac-auth.signature', mismatch)
        if (!settings.validate_request_body) return accept(exchange, found)
        return hasDigest(exchange, signature).then((isSame) =>
          isSame ? accept(exchange, found) : refuse(exchange, 'hmac-auth.digest', mismatch),
        )
      },
    }
  },
})

type Code = `hmac-auth.${'none' | 'date' | 'unverifiable' | 'signature' | 'digest'}`

const mismatch = 'HMAC signature does not match'
const invalidDate =
  'HMAC signature cannot be verified, a valid date or x-date header is required for HMAC Authentication'

function isRecent({ request }: Exchange, { clock_skew: skew }: Settings, now: number): boolean {
  return ['x-date', 'date'].some((name) => {
    const time = Date.parse(request.headers.get(name) ?? '')
    return Math.abs(now - time) <= skew * 1000
  })
}

/** The signature of the request, which is hidden from the service on demand. */
function takeSignature(
  { request, forward }: Exchange,
  { hide_credentials: hides }: Settings,
): Signature | undefined {
  for (const name of ['proxy-authorization', 'authorization']) {
    const signature = readSignature(request.headers.get(name))
    if (signature === undefined) continue
    if (hides) forward?.headers.delete(name)
    return signature
  }
  return undefined
}

function isAcceptable(
  { headers, algorithm }: Signature,
  { enforce_headers: enforced, algorithms: accepted }: Settings,
): boolean {
  return (
    accepted.some((name) => name === algorithm) && enforced.every((name) => headers.includes(name))
  )
}

/** Whether the body is that of the signed header Digest. A request without body needs none. */
async function hasDigest({ request, body }: Exchange, { headers }: Signature): Promise<boolean> {
  const bytes = body.present ? await readSmallBody(body) : Buffer.alloc(0)
  if (bytes === undefined)
    throw new Problem('hmac-auth.too_large', 413, 'A signed body must not exceed 64 KiB')
  const given = request.headers.get('digest')
  if (given === undefined) return bytes.length === 0
  // A digest that is not signed proves nothing.
  if (!headers.some((name) => name.toLowerCase() === 'digest')) return false
  const [, text = ''] = /^SHA-256=(.*)$/i.exec(given) ?? []
  const expected = createHash('sha256').update(bytes).digest()
  const received = Buffer.from(text, 'base64')
  return received.length === expected.length && timingSafeEqual(received, expected)
}
