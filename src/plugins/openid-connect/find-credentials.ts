import type { Exchange, RequestBody } from '../../proxy/exchange.ts'
import { readSmallBody, replaceBody } from '../../proxy/small-body.ts'
import type { Settings } from './settings.ts'

/** Credentials of a request, from the places that the settings allow. */
export type Credentials = {
  readonly token?: string
  /** The scheme of the token in Authorization; `bearer` when absent. */
  readonly scheme?: 'dpop'
  readonly refreshToken?: string
  /** A name and a secret: of a user, of a client, or of either. */
  readonly basic?: { readonly name: string; readonly secret: string; readonly of: Holder }
}

type Holder = 'user' | 'client' | 'either'

type Placed = Pick<
  Settings,
  | 'auth_methods'
  | 'bearer_token_param_type'
  | 'bearer_token_cookie_name'
  | 'proof_of_possession_dpop'
  | 'refresh_token_param_name'
  | 'refresh_token_param_type'
  | 'password_param_type'
  | 'client_credentials_param_type'
>

/** Names of parameters in queries and forms (RFC 6750 section 2, RFC 6749 section 4.3.2). */
const tokenParameter = 'access_token'
const pairsOfNames = [
  { of: 'user', name: 'username', secret: 'password' },
  { of: 'client', name: 'client_id', secret: 'client_secret' },
] as const

/** Every parameter that may be a credential. */
export const secretParametersOf = ({ refresh_token_param_name: name }: Placed): string[] => [
  tokenParameter,
  'password',
  'client_secret',
  'client_assertion',
  ...(name === null ? [] : [name]),
]

/** The credentials in the head of a request. A repeated field is ignored: the service could read the other one. */
export function findInHead({ request }: Exchange, settings: Placed): Credentials {
  const fields = request.headers.all('authorization')
  const inField = fields.length === 1 ? findInField(fields[0] ?? '', settings) : {}
  if (isFound(inField)) return inField
  if (request.query !== '') {
    const found = findInForm(new URLSearchParams(request.query), 'query', settings)
    if (isFound(found)) return found
  }
  const { bearer_token_param_type: tokens, bearer_token_cookie_name: cookie } = settings
  const token =
    tokens.includes('cookie') && cookie !== null
      ? cookieNamed(request.headers.all('cookie'), cookie)
      : undefined
  if (token !== undefined) return { token }
  const name = refreshParameter('header', settings)
  const [refreshToken, ...others] =
    name === undefined ? [] : request.headers.all(name.toLowerCase())
  return refreshToken === undefined || others.length > 0 ? {} : { refreshToken }
}

export const isFound = ({ token, refreshToken, basic }: Credentials): boolean =>
  token !== undefined || refreshToken !== undefined || basic !== undefined

/** The name of the header or parameter with a refresh token, if it is looked for there. */
const refreshParameter = (
  place: 'header' | 'query' | 'body',
  settings: Placed,
): string | undefined =>
  settings.refresh_token_param_name !== null &&
  settings.auth_methods.includes('refresh_token') &&
  settings.refresh_token_param_type.includes(place)
    ? settings.refresh_token_param_name
    : undefined

function findInField(field: string, settings: Placed): Credentials {
  const token = settings.bearer_token_param_type.includes('header')
    ? /^bearer +([\w.~+/-]+=*) *$/i.exec(field)?.[1]
    : undefined
  if (token !== undefined) return { token }
  const bound =
    settings.proof_of_possession_dpop === 'off'
      ? undefined
      : /^dpop +([\w.~+/-]+=*) *$/i.exec(field)?.[1]
  if (bound !== undefined) return { token: bound, scheme: 'dpop' }
  const basic = readBasic(field, settings)
  return basic === undefined ? {} : { basic }
}

/** Whether a body may hold credentials. */
export function mayHoldCredentials({ request, body }: Exchange, settings: Placed): boolean {
  if (!body.present || !/^application\/x-www-form-urlencoded\b/i.test(typeOf(request))) return false
  const { bearer_token_param_type: tokens, auth_methods: methods } = settings
  return (
    tokens.includes('body') ||
    refreshParameter('body', settings) !== undefined ||
    (methods.includes('password') && settings.password_param_type.includes('body')) ||
    (methods.includes('client_credentials') &&
      settings.client_credentials_param_type.includes('body'))
  )
}

const typeOf = (request: Exchange['request']): string => request.headers.get('content-type') ?? ''

/** A form that was read. */
export type Form = { readonly text: string; readonly credentials: Credentials }

export async function readForm(body: RequestBody, settings: Placed): Promise<Form | undefined> {
  const bytes = await readSmallBody(body)
  if (bytes === undefined) return undefined
  const text = bytes.toString('latin1')
  return { text, credentials: findInForm(new URLSearchParams(text), 'body', settings) }
}

/** A repeated parameter is ignored. */
function findInForm(form: URLSearchParams, place: 'query' | 'body', settings: Placed): Credentials {
  const only = (name: string): string | undefined => {
    const values = form.getAll(name)
    return values.length === 1 && values[0] !== '' ? values[0] : undefined
  }
  const token = settings.bearer_token_param_type.includes(place) ? only(tokenParameter) : undefined
  if (token !== undefined) return { token }
  const name = refreshParameter(place, settings)
  const refreshToken = name === undefined ? undefined : only(name)
  if (refreshToken !== undefined) return { refreshToken }
  for (const { of, name, secret } of pairsOfNames) {
    const [found, proof] = [only(name), only(secret)]
    const isEnabled =
      of === 'user'
        ? settings.auth_methods.includes('password') && settings.password_param_type.includes(place)
        : settings.auth_methods.includes('client_credentials') &&
          settings.client_credentials_param_type.includes(place)
    if (isEnabled && found !== undefined && proof !== undefined)
      return { basic: { name: found, secret: proof, of } }
  }
  return {}
}

/** RFC 7617: the name has no colon. */
function readBasic(field: string, settings: Placed): Credentials['basic'] {
  const encoded = /^basic +([\w+/-]+=*) *$/i.exec(field)?.[1]
  const methods = settings.auth_methods
  const users = methods.includes('password') && settings.password_param_type.includes('header')
  const clients =
    methods.includes('client_credentials') &&
    settings.client_credentials_param_type.includes('header')
  if (encoded === undefined || (!users && !clients)) return undefined
  const text = Buffer.from(encoded, 'base64').toString()
  const colon = text.indexOf(':')
  if (colon < 1) return undefined
  const of = users && clients ? 'either' : users ? 'user' : 'client'
  return { name: text.slice(0, colon), secret: text.slice(colon + 1), of }
}

function cookieNamed(fields: readonly string[], name: string): string | undefined {
  for (const pair of fields.flatMap((field) => field.split(';'))) {
    const [found = '', ...value] = pair.split('=')
    if (found.trim() === name && value.length > 0) return value.join('=').trim()
  }
  return undefined
}

/** Removes credentials from the forwarded request. */
export function hideCredentials(
  { forward, body: original }: Exchange,
  form: Form | undefined,
  settings: Placed,
): void {
  if (forward === undefined) return
  const { headers } = forward
  const secrets = secretParametersOf(settings)
  if (/^(?:bearer|basic|dpop) /i.test(headers.get('authorization') ?? ''))
    headers.delete('authorization')
  if (settings.proof_of_possession_dpop !== 'off') headers.delete('dpop')
  const refreshHeader = refreshParameter('header', settings)
  if (refreshHeader !== undefined) headers.delete(refreshHeader.toLowerCase())
  if (forward.query !== '') forward.query = without(secrets, forward.query)
  const { bearer_token_cookie_name: cookie } = settings
  if (cookie !== null) removeCookie(headers.flat, cookie)
  if (form === undefined) return
  const rest = without(secrets, form.text)
  if (rest !== form.text) forward.body = replaceBody(original, Buffer.from(rest, 'latin1'))
}

/** The other pairs byte by byte. */
const without = (names: readonly string[], form: string): string =>
  form
    .split('&')
    .filter((pair) => ![...new URLSearchParams(pair).keys()].some((name) => names.includes(name)))
    .join('&')

function removeCookie(flat: string[], name: string): void {
  for (let at = flat.length - 2; at >= 0; at -= 2) {
    if ((flat[at] as string).toLowerCase() !== 'cookie') continue
    const pairs = (flat[at + 1] as string).split(';')
    const kept = pairs.filter((pair) => (pair.split('=', 1)[0] ?? '').trim() !== name)
    if (kept.length === 0) flat.splice(at, 2)
    else flat[at + 1] = kept.join(';').trimStart()
  }
}
