type MediaType = {
  readonly type: string
  readonly subtype: string
  readonly parameters: ReadonlyMap<string, string>
}

/** Whether a Content-Type is one of these media types, as in Kong: with the same parameters, where the type or the subtype may be `*`. */
export function openMediaTypes(accepted: readonly string[]): (contentType: string) => boolean {
  const types = accepted.flatMap((text) => parse(text) ?? [])
  return (contentType) => {
    const found = parse(contentType)
    return found !== undefined && types.some((type) => includes(type, found))
  }
}

function parse(text: string): MediaType | undefined {
  const [first = '', ...rest] = text.trim().split(';')
  const [type, subtype] = first.trim() === '*' ? ['*', '*'] : first.trim().toLowerCase().split('/')
  if (type === undefined || subtype === undefined || subtype === '') return undefined
  const parameters = rest.flatMap((part) => {
    const at = part.indexOf('=')
    const value = part.slice(at + 1).trim()
    if (at < 0) return []
    return [[part.slice(0, at).trim().toLowerCase(), value.replace(/^"(.*)"$/, '$1')] as const]
  })
  return { type, subtype, parameters: new Map(parameters) }
}

const includes = (accepted: MediaType, { type, subtype, parameters }: MediaType): boolean =>
  (accepted.type === '*' || accepted.type === type) &&
  (accepted.subtype === '*' || accepted.subtype === subtype) &&
  accepted.parameters.size === parameters.size &&
  [...accepted.parameters].every(([name, value]) => parameters.get(name) === value)
