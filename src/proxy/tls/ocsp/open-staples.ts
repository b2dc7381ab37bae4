import { hash } from 'node:crypto'
import type { Egress } from '../../../lib/egress.ts'
import type { Log } from '../../../lib/log.ts'
import { requestGuarded } from '../../../lib/request-guarded.ts'
import { buildOcspRequest, readGoodUntil, type OcspRequest } from './ocsp-messages.ts'

/** OCSP responses that a TLS front staples to handshakes (RFC 6066 section 8). */
export type Staples = {
  /** The current response for a certificate (DER). A handshake does not wait: without a response, one is fetched for later ones. */
  find(this: void, certificate: Buffer, issuer: Buffer | null): Buffer | undefined
}

type Staple = { response?: Buffer; goodUntil: number; refreshAt: number }

const maxStaples = 1_000
const maxFetches = 8
const maxResponseBytes = 65_536
const fetchMilliseconds = 10_000
/** After a failure, and at the earliest after a success. */
const minInterval = 60_000

export function openStaples(egress: Egress, log: Log): Staples {
  const known = new Map<string, Staple>()
  let fetches = 0

  const refresh = async (staple: Staple, ocspRequest: OcspRequest): Promise<void> => {
    fetches += 1
    try {
      const response = await askResponder(ocspRequest, egress)
      const now = Date.now()
      staple.goodUntil = readGoodUntil(response, ocspRequest, now)
      staple.response = response
      staple.refreshAt = now + Math.max(minInterval, (staple.goodUntil - now) / 2)
    } catch (error) {
      const { responder } = ocspRequest
      log.warn('tls: no OCSP response for a certificate', { responder, error })
    } finally {
      fetches -= 1
    }
  }

  return {
    find(certificate, issuer) {
      if (issuer === null) return undefined
      const key = hash('sha256', certificate, 'base64')
      const now = Date.now()
      const staple = known.get(key) ?? { goodUntil: 0, refreshAt: 0 }
      if (now >= staple.refreshAt && fetches < maxFetches) {
        if (known.size >= maxStaples) known.delete(known.keys().next().value ?? '')
        known.set(key, staple)
        staple.refreshAt = now + minInterval
        const ocspRequest = buildOcspRequest(certificate, issuer)
        if (ocspRequest === undefined) staple.refreshAt = Number.POSITIVE_INFINITY
        else void refresh(staple, ocspRequest)
      }
      return now < staple.goodUntil ? staple.response : undefined
    },
  }
}

async function askResponder({ responder, request }: OcspRequest, egress: Egress): Promise<Buffer> {
  const { status, body } = await requestGuarded({
    url: responder,
    headers: { 'Content-Type': 'application/ocsp-request' },
    body: request,
    egress,
    milliseconds: fetchMilliseconds,
    limit: maxResponseBytes,
  })
  if (body.length > maxResponseBytes) throw new Error('the OCSP response is too large')
  if (status !== 200) throw new Error(`the OCSP responder returned ${status}`)
  return body
}
