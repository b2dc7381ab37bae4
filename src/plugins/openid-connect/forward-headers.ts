import type { Exchange } from '../../proxy/exchange.ts'
import { FieldNames } from '../../proxy/field-names.ts'
import type { Evidence } from './authenticate.ts'
import { claimAt } from '../../identity/claims.ts'
import type { Settings } from './settings.ts'

/** Headers that identify the caller to the service. */
export type ForwardHeaders = {
  /** Removes them from the forwarded request in every spelling: only the gateway may set them. */
  remove(exchange: Exchange): void
  add(exchange: Exchange, evidence: Evidence): void
  /** Whether responses have headers too. */
  readonly isInResponse: boolean
  addToResponse(exchange: Exchange, evidence: Evidence): void
}

type Field = readonly [name: string, value: string]

export function openForwardHeaders(settings: Settings): ForwardHeaders {
  const pairs = zip(settings.upstream_headers_names, settings.upstream_headers_claims)
  const tokens = [
    tokenHeader(settings.upstream_access_token_header, ({ accessToken }) => accessToken),
    tokenHeader(settings.upstream_id_token_header, ({ idToken }) => idToken),
    tokenHeader(settings.upstream_refresh_token_header, ({ refreshToken }) => refreshToken),
  ].filter((header) => header !== undefined)
  const answers = [
    [settings.upstream_user_info_header, ({ userInfo }: Evidence) => userInfo],
    [settings.upstream_introspection_header, ({ introspection }: Evidence) => introspection],
  ] as const
  const own = [
    ...pairs.map(([name]) => name),
    ...tokens.map(({ name }) => name),
    ...answers.map(([name]) => name ?? ''),
  ].map((name) => name.toLowerCase())
  // Credentials are removed by `hide_credentials`.
  const names = new FieldNames(
    own
      .filter((name) => name !== '' && name !== 'authorization')
      .flatMap((name) => [name, name.replace(/[^a-z\d]/g, '-')]),
  )
  const known = new WeakMap<Evidence, readonly Field[]>()
  const fieldsOf = (evidence: Evidence): readonly Field[] => {
    const before = known.get(evidence)
    if (before !== undefined) return before
    const fields = [
      ...tokens.map(({ name, read }): Field => [name, read(evidence) ?? '']),
      ...answers.map(([name, read]): Field => [name ?? '', encode(read(evidence))]),
      ...pairs.map(([name, claim]): Field => [name, encode(claimAt(evidence.sources, [claim]))]),
    ].filter(([name, value]) => name !== '' && value !== '')
    known.set(evidence, fields)
    return fields
  }
  const downstream = zip(settings.downstream_headers_names, settings.downstream_headers_claims)
  const downstreamTokens = [
    tokenHeader(settings.downstream_access_token_header, ({ accessToken }) => accessToken),
    tokenHeader(settings.downstream_id_token_header, ({ idToken }) => idToken),
    tokenHeader(settings.downstream_refresh_token_header, ({ refreshToken }) => refreshToken),
  ].filter((header) => header !== undefined)
  return {
    remove({ forward }) {
      if (forward === undefined || own.length === 0) return
      const { flat } = forward.headers
      for (let at = flat.length - 2; at >= 0; at -= 2)
        if (names.hasFolded(flat[at] as string)) flat.splice(at, 2)
    },
    add({ forward }, evidence) {
      if (forward === undefined) return
      for (const [name, value] of fieldsOf(evidence)) forward.headers.set(name, value)
    },
    isInResponse: downstream.length > 0 || downstreamTokens.length > 0,
    addToResponse({ answerHeaders }, evidence) {
      for (const { name, read } of downstreamTokens) {
        const value = read(evidence)
        if (value !== undefined) answerHeaders.set(name, value)
      }
      for (const [name, claim] of downstream) {
        const value = encode(claimAt(evidence.sources, [claim]))
        if (value !== '') answerHeaders.set(name, value)
      }
    },
  }
}

const zip = (
  names: readonly string[] | null,
  claims: readonly string[] | null,
): (readonly [name: string, claim: string])[] =>
  (names ?? []).flatMap((name, index) => {
    const claim = claims?.[index]
    return claim === undefined ? [] : [[name, claim] as const]
  })

function tokenHeader(
  setting: string | null,
  read: (evidence: Evidence) => string | undefined,
): { name: string; read: (evidence: Evidence) => string | undefined } | undefined {
  const [name, scheme] = (setting ?? '').split(':')
  if (name === undefined || name === '') return undefined
  if (scheme === undefined) return { name, read }
  return {
    name: name.toLowerCase() === 'authorization' ? 'Authorization' : name,
    read(evidence) {
      const token = read(evidence)
      return token === undefined ? undefined : `Bearer ${token}`
    },
  }
}

/** A claim as a header value: texts in UTF-8, lists and objects as JSON in base64. Text with control characters is omitted. */
function encode(claim: unknown): string {
  if (claim === undefined || claim === null) return ''
  if (typeof claim === 'object') return Buffer.from(JSON.stringify(claim)).toString('base64')
  if (typeof claim !== 'string') return typeof claim === 'symbol' ? '' : `${claim as number}`
  // eslint-disable-next-line no-control-regex
  return /[\u0000-\u0008\u000a-\u001f\u007f]/.test(claim)
    ? ''
    : Buffer.from(claim.trim()).toString('latin1')
}
