import { type DetailRow, textIn } from './request-row.ts'

/** How each authentication method wants its secret, which is never known here. */
const credentials: Readonly<Record<string, string>> = {
  'key-auth': 'apikey: <your key>',
  'basic-auth': 'authorization: Basic <your credentials>',
  jwt: 'authorization: Bearer <your token>',
  'openid-connect': 'authorization: Bearer <your token>',
  oauth2: 'authorization: Bearer <your token>',
}

/** A curl command that repeats the request; placeholders stand where secrets would. */
export function toCurl(row: DetailRow): string {
  const text = (name: string): string => textIn(row, name)
  const query = text('query') === '' ? '' : `?${text('query')}`
  const address = `${text('scheme') || 'http'}://${text('host')}${text('path')}${query}`
  const credential = credentials[text('auth_method')]
  const lines = [`curl -i -X ${quote(text('method'))} ${quote(address)}`]
  if (credential !== undefined) lines.push(`-H ${quote(credential)}`)
  return lines.join(' \\\n  ')
}

/** A word for a POSIX shell. */
const quote = (word: string): string =>
  /^[\w./:-]+$/.test(word) ? word : `'${word.replaceAll(`'`, `'\\''`)}'`
