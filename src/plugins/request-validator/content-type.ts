/** In lower case. */
export type MediaType = {
  readonly media: string
  readonly parameters: Readonly<Record<string, string>>
}

/** Parses a Content-Type header. */
export function parseMediaType(text: string): MediaType {
  const [media = '', ...rest] = text.split(';').map((part) => part.trim().toLowerCase())
  const parameters = rest.flatMap((part) => {
    const at = part.indexOf('=')
    return at < 1 ? [] : [[part.slice(0, at), part.slice(at + 1).replaceAll('"', '')] as const]
  })
  return { media, parameters: Object.fromEntries(parameters) }
}

/** Whether a media type is allowed. Its parameters are compared when the option is on and the allowed type has any. */
export function isAllowedType(
  given: MediaType,
  options: {
    readonly allowed_content_types: readonly string[]
    readonly content_type_parameter_validation: boolean
  },
): boolean {
  return options.allowed_content_types.some((text) => {
    const allowed = parseMediaType(text)
    if (!matchesMedia(given.media, allowed.media)) return false
    const wanted = Object.entries(allowed.parameters)
    if (!options.content_type_parameter_validation || wanted.length === 0) return true
    return wanted.every(([name, value]) => given.parameters[name] === value)
  })
}

function matchesMedia(given: string, allowed: string): boolean {
  const [type = '', subtype = ''] = given.split('/')
  const [wantedType, wantedSubtype] = allowed.split('/')
  return (
    (wantedType === '*' || wantedType === type) &&
    (wantedSubtype === '*' || wantedSubtype === subtype)
  )
}
