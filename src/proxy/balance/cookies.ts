import type { HeaderList } from '../header-list.ts'

/** The value of a cookie of the request, or undefined. */
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

/** A Set-Cookie field for the length of the client's session. */
export const sessionCookie = (name: string, value: string, path: string): string =>
  `${name}=${value}; Path=${path}; HttpOnly`
