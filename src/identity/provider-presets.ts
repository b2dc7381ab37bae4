import type { Claims } from './claims.ts'

/** Claims in the tokens of a provider, as its documentation describes them. */
export type ProviderPreset = {
  /** Paths of the claims that contain groups and roles; `{client_id}` stands for the client id. */
  readonly groups: readonly string[]
  /** Claims that name the person, the first that is there. */
  readonly names: readonly string[]
  /** The claims that identify the caller, the first that is there: in some providers `sub` of access tokens is not that of ID tokens. */
  readonly subjects: readonly string[]
  /** Whether a JWT of the issuer, of this header `typ` in lower case, is an access token. */
  isAccessToken(this: void, type: string | undefined, claims: Claims): boolean
  /** The claim that is compared with the expected audience of access tokens. */
  readonly audience: 'aud' | 'client_id'
  /** Whether an access token belongs to a client itself (client credentials). */
  isOfClient(this: void, claims: Claims): boolean
  /** Whether the provider left the groups out because there are too many. */
  hasTooManyGroups?(this: void, claims: Claims): boolean
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''

/** RFC 9068. */
const generic: ProviderPreset = {
  groups: ['groups'],
  names: ['preferred_username', 'email', 'sub'],
  subjects: ['sub'],
  isAccessToken: (type) => type === 'at+jwt' || type === 'application/at+jwt',
  audience: 'aud',
  isOfClient: ({ sub, client_id: client }) => sub === client,
}

/** Header `typ` is JWT; the claim `typ` distinguishes Bearer, ID, Refresh and Logout. */
const keycloak: ProviderPreset = {
  ...generic,
  groups: ['groups', 'realm_access.roles', 'resource_access.{client_id}.roles'],
  isAccessToken: (_type, { typ }) => typ === 'Bearer',
  isOfClient: ({ preferred_username: name, client_id: client, clientId: old = client }) =>
    isText(old) && name === `service-account-${old}`,
}

/** Access tokens have `cid`; their `sub` is the login name, and `uid` is the `sub` of ID tokens. */
const okta: ProviderPreset = {
  ...generic,
  subjects: ['uid', 'sub'],
  isAccessToken: (_type, { cid }) => isText(cid),
  isOfClient: ({ cid, uid }) => isText(cid) && uid === undefined,
}

/** `sub` differs from application to application; `oid` does not. Above 200 groups the token names an address in their place. */
const entra: ProviderPreset = {
  ...generic,
  groups: ['groups', 'roles'],
  names: ['preferred_username', 'upn', 'email', 'sub'],
  subjects: ['oid', 'sub'],
  isAccessToken: (_type, { azp, appid, nonce }) =>
    (isText(azp) || isText(appid)) && nonce === undefined,
  isOfClient: ({ idtyp, scp }) => idtyp === 'app' || scp === undefined,
  hasTooManyGroups: ({ _claim_names: names, hasgroups }) =>
    hasgroups === true || (typeof names === 'object' && names !== null && 'groups' in names),
}

/** Access tokens have no `aud`; `token_use` distinguishes them from ID tokens. */
const cognito: ProviderPreset = {
  ...generic,
  groups: ['cognito:groups'],
  names: ['username', 'cognito:username', 'email', 'sub'],
  isAccessToken: (_type, { token_use: use }) => use === 'access',
  audience: 'client_id',
  isOfClient: ({ sub, client_id: client, username }) => sub === client && username === undefined,
}

export const providerPresets = { generic, keycloak, okta, entra, cognito } as const

export type ProviderPresetName = keyof typeof providerPresets
