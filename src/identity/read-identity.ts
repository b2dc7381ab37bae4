import { Problem } from '../lib/problem.ts'
import { claimAt, nameIn, wordsOf, type Claims } from './claims.ts'
import type { ProviderSettings } from './provider-settings.ts'
import { providerPresets } from './provider-presets.ts'

/** Identity of a user at a provider. */
export type ProviderIdentity = {
  readonly issuer: string
  readonly subject: string
  readonly name: string
  /** Only an address that the provider verified. */
  readonly email: string | undefined
  /** Values of the claims for groups and roles, sorted. */
  readonly groups: readonly string[]
  readonly scopes: readonly string[]
  /** Whether a client itself signs in, without a person. */
  readonly isClient: boolean
  /** When the claims were issued, in milliseconds since the epoch. */
  readonly issuedAt: number
  /** The session at the provider. */
  readonly sid: string | undefined
}

/** Beyond this an identity is refused, rather than read in part. */
const maxGroups = 1000
const maxText = 255

/** Reads an identity from verified claims, of which the first that has a claim counts. Throws a Problem when a claim is missing or has no usable form. */
export function readIdentity(
  { issuer, clientId, preset: presetName, groupsClaims, nameClaim }: ProviderSettings,
  sources: readonly Claims[],
): ProviderIdentity {
  const preset = providerPresets[presetName]
  const textOf = (names: readonly string[]): string | undefined => {
    for (const name of names) {
      const found = nameIn(claimAt(sources, [name]))
      if (found !== undefined) return found
    }
    return undefined
  }
  const subject = textOf(preset.subjects)
  const issuedAt = claimAt(sources, ['iat'])
  if (subject === undefined || subject.length > maxText) throw unusable('sub')
  if (typeof issuedAt !== 'number') throw unusable('iat')
  if (sources.some((claims) => preset.hasTooManyGroups?.(claims) === true)) throw tooManyGroups()
  const paths = groupsClaims.length > 0 ? groupsClaims : preset.groups
  const found = paths.flatMap((path) =>
    valuesOf(valueAt(sources, path.replaceAll('{client_id}', clientId))),
  )
  const groups = [...new Set(found)].toSorted()
  if (groups.length > maxGroups) throw tooManyGroups()
  const email = claimAt(sources, ['email'])
  return {
    issuer,
    subject,
    name: (textOf(nameClaim === undefined ? preset.names : [nameClaim]) ?? subject).slice(0, 200),
    email:
      typeof email === 'string' && claimAt(sources, ['email_verified']) === true
        ? email
        : undefined,
    groups,
    scopes: [...wordsOf(claimAt(sources, ['scope'])), ...wordsOf(claimAt(sources, ['scp']))],
    isClient: false,
    issuedAt: issuedAt * 1000,
    sid: nameIn(claimAt(sources, ['sid'])),
  }
}

/** A claim with the whole path as its name precedes one inside of others: `https://example.com/groups` has dots too. */
const valueAt = (sources: readonly Claims[], path: string): unknown =>
  claimAt(sources, [path]) ?? claimAt(sources, path.split('.'))

/** The texts of a list. A text is one value: a group of several words must not become several groups. */
const valuesOf = (claim: unknown): string[] =>
  (Array.isArray(claim) ? claim : [claim]).filter(
    (value): value is string =>
      typeof value === 'string' && value !== '' && value.length <= maxText,
  )

const unusable = (claim: string): Problem =>
  new Problem('identity.claim', 403, `The provider sent no usable claim '${claim}'`)

const tooManyGroups = (): Problem =>
  new Problem(
    'identity.too_many_groups',
    403,
    `The provider left groups out of the token, or sent more than ${maxGroups}; let it send only those that Weir needs, or roles`,
  )
