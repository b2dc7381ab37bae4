import { asymmetricAlgorithms } from '../../identity/verify-jwt.ts'
import { Problem } from '../../lib/problem.ts'

/** Why a request is answered 401. The code is in the event; the client gets no details. */
const unauthorizedCodes = {
  no_credentials: 'openid-connect.no_credentials',
  malformed: 'openid-connect.malformed',
  algorithm: 'openid-connect.algorithm',
  issuer: 'openid-connect.issuer',
  signature: 'openid-connect.signature',
  type: 'openid-connect.type',
  expired: 'openid-connect.expired',
  not_yet_valid: 'openid-connect.not_yet_valid',
  claims: 'openid-connect.claims',
  inactive: 'openid-connect.inactive',
  refused: 'openid-connect.refused',
  sign_in: 'openid-connect.sign_in',
  sign_in_needed: 'openid-connect.sign_in_needed',
  certificate: 'openid-connect.certificate',
} as const

/** Why a request is answered 403. */
const forbiddenCodes = {
  scopes: 'openid-connect.scopes',
  audience: 'openid-connect.audience',
  groups: 'openid-connect.groups',
  roles: 'openid-connect.roles',
  forbidden_claim: 'openid-connect.forbidden_claim',
  no_consumer: 'openid-connect.no_consumer',
  no_consumer_group: 'openid-connect.no_consumer_group',
} as const

export type Unauthorized = keyof typeof unauthorizedCodes
export type Forbidden = keyof typeof forbiddenCodes

type Messages = {
  readonly issuer: string
  readonly unauthorized_error_message: string
  readonly forbidden_error_message: string
}

/** The refusals of a plugin, with challenges as RFC 6750 section 3 defines them. */
export type Refusals = {
  unauthorized(this: void, reason: Unauthorized): Problem
  forbidden(this: void, reason: Forbidden): Problem
  /** Why the proof of a bound token is refused (RFC 9449 section 7.1). */
  proof(this: void, error: 'invalid_token' | 'invalid_dpop_proof' | 'use_dpop_nonce'): Problem
}

export function openRefusals(settings: Messages): Refusals {
  const realm = URL.canParse(settings.issuer) ? new URL(settings.issuer).host : ''
  const headers = (error: string): Record<string, string> => ({
    'WWW-Authenticate': `Bearer realm="${realm}"${error === '' ? '' : `, error="${error}"`}`,
  })
  return {
    unauthorized: (reason) =>
      new Problem(unauthorizedCodes[reason], 401, settings.unauthorized_error_message, {
        headers: headers(
          ['no_credentials', 'sign_in_needed'].includes(reason) ? '' : 'invalid_token',
        ),
      }),
    proof: (error) =>
      new Problem('openid-connect.dpop', 401, settings.unauthorized_error_message, {
        headers: {
          'WWW-Authenticate': `DPoP realm="${realm}", error="${error}", algs="${asymmetricAlgorithms.join(' ')}"`,
        },
      }),
    forbidden: (reason) =>
      new Problem(forbiddenCodes[reason], 403, settings.forbidden_error_message, {
        headers: headers('insufficient_scope'),
      }),
  }
}

/** The provider is needed and does not answer as it should. Why is in the log. */
export const unavailable = (): Problem =>
  new Problem('openid-connect.unavailable', 503, 'The identity provider is unavailable')
