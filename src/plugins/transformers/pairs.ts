/** The name and the value of `name:value`; Kong ignores further colons after the name. */
export function splitPair(pair: string): readonly [name: string, value: string] {
  const [, name = '', value = ''] = /^([^:]+):*([^]*)$/.exec(pair) ?? []
  return [name, value]
}

/** Fields that frame messages or belong to a connection; the gateway writes its own. */
const framing = new Set([
  'connection',
  'content-length',
  'expect',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

export const isHeaderName = (name: string): boolean => /^[!#$%&'*+.^_`|~\w-]+$/.test(name)

/** Why a header cannot be written; undefined for one that can. */
export function headerError(name: string): string | undefined {
  if (!isHeaderName(name)) return `'${name}' is not a valid header`
  return framing.has(name.toLowerCase()) ? `'${name}' is written by the gateway` : undefined
}
