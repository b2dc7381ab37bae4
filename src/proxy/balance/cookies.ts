import type { HeaderList } from '../header-list.ts'

export function readCookie(headers: HeaderList, name: string): string | undefined {
  for (const field of headers.all('cookie')) {
    for (const pair of field.split(';')) {
      const equals = pair.indexOf('=')
      if (equals > 0 && pair.slice(0, equals).trim() === name) {
        const value = pair.slice(equals + 1).trim()
        return value === '' ? undefined : value
      }
    }
  }
  return undefined
}

/** A Set-Cookie value without Max-Age, which the client keeps for its session. */
export const sessionCookie = (name: string, value: string, path: string): string =>
  `${name}=${value}; Path=${path}; HttpOnly`
