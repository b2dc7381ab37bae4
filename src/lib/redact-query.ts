/** Names of query parameters whose values are secrets, without punctuation. */
const secretNames: ReadonlySet<string> = new Set([
  'apikey',
  'auth',
  'awsaccesskeyid',
  'bearer',
  'code',
  'hmac',
  'key',
  'otp',
  'pass',
  'passwd',
  'pin',
  'pwd',
  'sid',
  'sig',
])

/** Parts of such names. */
const secretPart =
  /token|secret|passwor|passphrase|apikey|accesskey|privatekey|credential|signature|jwt|authorization|session|assertion/

const redacted = 'REDACTED'

/**
 * Replaces the values of secret query parameters, and of those named in `more`, with REDACTED, as OpenTelemetry's
 * semantic conventions require. Names are recognised in any encoding, with indexes (`apikey[]`), and within values that
 * are a query, a URL or JSON themselves; JSON Web Tokens under any name.
 */
export function redactQuery(query: string, more?: readonly string[]): string {
  if (query === '') return query
  const pairs = query.split('&')
  let changed = false
  for (let index = 0; index < pairs.length; index += 1) {
    const pair = pairs[index] as string
    const equals = pair.indexOf('=')
    const name = equals < 0 ? '' : pair.slice(0, equals)
    const value = pair.slice(equals + 1)
    if (!isSecret(name, more) && !holdsSecret(value, more) && !holdsSecret(name, more)) continue
    const kept = holdsSecret(name, more) ? '' : name
    pairs[index] = kept === '' ? redacted : `${kept}=${redacted}`
    changed = true
  }
  return changed ? pairs.join('&') : query
}

/** The same for the parameters of path segments (`;name=value`), and for segments that are JSON Web Tokens. */
export function redactPath(path: string, more?: readonly string[]): string {
  if (!/[;=]|%3[bd]|ey/i.test(path)) return path
  return path
    .split('/')
    .map((segment) => (holdsSecret(segment, more) ? redacted : segment))
    .join('/')
}

/** Replaces known secrets; a text that has one in another encoding as a whole. Shorter ones would be found in ordinary words. */
export function hideSecrets(text: string, secrets: readonly string[]): string {
  let shown = text
  for (const secret of secrets) {
    if (secret.length < minSecretLength) continue
    if (shown.includes(secret)) shown = shown.replaceAll(secret, redacted)
    if (/[%+]/.test(shown) && decode(shown).includes(decode(secret))) return redacted
  }
  return shown
}

const minSecretLength = 6

type NameFacts = { readonly isSecret: boolean; readonly plain: readonly string[] }

/** Cache by name as sent; the same names occur again and again. */
const knownNames = new Map<string, NameFacts>()
const maxKnownNames = 1_000
const maxKnownLength = 64

function factsOf(sent: string): NameFacts {
  const known = knownNames.get(sent)
  if (known !== undefined) return known
  const names = plainNames(sent)
  const isSecret = names.some((name) => secretNames.has(name) || secretPart.test(name))
  const facts = { isSecret, plain: names }
  if (sent.length > maxKnownLength) return facts
  if (knownNames.size >= maxKnownNames) knownNames.clear()
  knownNames.set(sent, facts)
  return facts
}

/** Lists of further names, which come from configuration, in plain form. */
const plainLists = new WeakMap<readonly string[], readonly string[]>()

function plainList(names: readonly string[]): readonly string[] {
  const known = plainLists.get(names)
  if (known !== undefined) return known
  const list = names.map(plain)
  plainLists.set(names, list)
  return list
}

/** Whether a name is that of a secret. */
export const isSecretName = (name: string): boolean => isSecret(name, undefined)

function isSecret(sent: string, more: readonly string[] | undefined): boolean {
  const facts = factsOf(sent)
  if (facts.isSecret || more === undefined) return facts.isSecret
  return plainList(more).some((other) => facts.plain.includes(other))
}

/** The name, and its parts in brackets. */
function plainNames(sent: string): string[] {
  const name = decode(sent)
  return [name, ...name.split(/[[\]]/)].map(plain)
}

const plain = (name: string): string => name.toLowerCase().replace(/[^a-z\d]/g, '')

/** JOSE's compact serialization, of which the first part is a JSON object. */
const webToken = /(?:^|[^\w-])ey[\w-]{8,}\.[\w-]+\.[\w-]*/

/** Names within a value: of a query or URL, and of JSON. */
const innerNames = /(?<=^|[&;?#{,\s=:])["']?([^&;?#{,\s"'=:]+)["']?\s*[=:]/g

/** Cheap pre-check: a name with a value, a JSON Web Token and any encoding match; most values do not. */
const mayHoldSecret = /[%+=:]|ey/

/** Whether a text holds a secret: a JSON Web Token, or a value under a secret name. */
export function holdsSecret(sent: string, more: readonly string[] | undefined): boolean {
  if (sent.length < 5 || !mayHoldSecret.test(sent)) return false
  const value = decode(sent)
  if (webToken.test(value)) return true
  if (!/[=:]/.test(value)) return false
  for (const [, name = ''] of value.matchAll(innerNames)) if (isSecret(name, more)) return true
  return false
}

/** Also decodes text that is encoded several times. */
function decode(text: string): string {
  let decoded = text
  for (let round = 0; round < 4 && /[%+]/.test(decoded); round += 1) {
    const next = decodeOnce(decoded)
    if (next === decoded) break
    decoded = next
  }
  return decoded
}

/** Decodes each byte separately when they are not UTF-8. */
function decodeOnce(text: string): string {
  const spaced = text.replaceAll('+', ' ')
  try {
    return decodeURIComponent(spaced)
  } catch {
    return spaced.replace(/%([\da-f]{2})/gi, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
  }
}
