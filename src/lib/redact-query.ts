const secretNames: ReadonlySet<string> = new Set([
  'access_token',
  'api_key',
  'api-key',
  'apikey',
  'auth',
  'authorization',
  'awsaccesskeyid',
  'client_secret',
  'code',
  'id_token',
  'key',
  'passwd',
  'password',
  'refresh_token',
  'secret',
  'sig',
  'signature',
  'token',
  'x-amz-credential',
  'x-amz-security-token',
  'x-amz-signature',
  'x-goog-signature',
])

/** Replaces the values of secret query parameters, and of those named in `more`, with REDACTED, as OpenTelemetry's semantic conventions require. */
export function redactQuery(query: string, more?: readonly string[]): string {
  if (query === '') return query
  const pairs = query.split('&')
  let changed = false
  for (let index = 0; index < pairs.length; index += 1) {
    const pair = pairs[index] as string
    const equals = pair.indexOf('=')
    if (equals < 0 || !isSecret(pair.slice(0, equals), more)) continue
    pairs[index] = `${pair.slice(0, equals)}=REDACTED`
    changed = true
  }
  return changed ? pairs.join('&') : query
}

function isSecret(encoded: string, more: readonly string[] | undefined): boolean {
  const name = decode(encoded).toLowerCase()
  return secretNames.has(name) || (more?.some((other) => other.toLowerCase() === name) ?? false)
}

function decode(text: string): string {
  if (!text.includes('%') && !text.includes('+')) return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    // Not percent-encoded: the name as it stands.
    return text
  }
}
