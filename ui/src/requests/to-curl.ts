import { type DetailRow, textIn } from './request-row.ts'

/** The header of each authentication method; events do not contain the secret. */
const credentials: Readonly<Record<string, string>> = {
  'key-auth': 'apikey: <your key>',
  'basic-auth': 'authorization: Basic <your credentials>',
  jwt: 'authorization: Bearer <your token>',
  'openid-connect': 'authorization: Bearer <your token>',
  oauth2: 'authorization: Bearer <your token>',
}

/** A curl command that repeats a request, with placeholders for secrets. */
export function toCurl(row: DetailRow): string {
  const text = (name: string): string => textIn(row, name)
  const query = text('query') === '' ? '' : `?${text('query')}`
  const address = `${text('scheme') || 'http'}://${text('host')}${text('path')}${query}`
  const credential = credentials[text('auth_method')]
  const lines = [`curl -i -X ${quote(text('method'))} ${quote(address)}`]
  if (credential !== undefined) lines.push(`-H ${quote(credential)}`)
  return lines.join(' \\\n  ')
}

/** Quotes an argument for a POSIX shell. */
const quote = (word: string): string =>
  /^[\w./:-]+$/.test(word) ? word : `'${word.replaceAll(`'`, `'\\''`)}'`
