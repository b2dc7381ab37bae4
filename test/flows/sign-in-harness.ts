import { expect } from 'vitest'
import { openBrowser, type TestBrowser } from '../harness/open-browser.ts'
import type { TestAdmin } from './admin-harness.ts'

/** A person who signs in to a Manager by a provider, with the requests that its pages make. */
export type Person = {
  readonly browser: TestBrowser
  /** Begins a sign-in as the page does; returns the address at the provider. */
  begin(next?: string): Promise<string>
  /** Signs in at the provider, and returns the address to which it sends the browser back. */
  visitProvider(url: string, name: string): Promise<string>
  /** Brings the answer of the provider to the Manager. */
  complete(returned: string, headers?: Record<string, string>): Promise<Response>
  /** All three. */
  signIn(name: string): Promise<SignedInBody>
  /** A request with the cookies of the browser. */
  ask(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: unknown,
    headers?: object,
  ): Promise<Response>
}

type SignedInBody = {
  readonly principal: { readonly id: string; readonly name: string; readonly kind: string }
  readonly workspaces: readonly { readonly name: string; readonly roles: readonly string[] }[]
  readonly csrf_token: string
  readonly next?: string
}

export function openPerson(admin: Pick<TestAdmin, 'managerUrl'>): Person {
  const browser = openBrowser()
  const ask: Person['ask'] = async (method, path, body, headers = {}) => {
    const cookie = [...browser.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(`${admin.managerUrl}${path}`, {
      method,
      headers: {
        cookie,
        'sec-fetch-site': 'same-origin',
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    for (const field of response.headers.getSetCookie()) {
      const [pair = ''] = field.split(';')
      const [name = '', value = ''] = pair.split('=', 2)
      if (/max-age=0/i.test(field)) browser.cookies.delete(name)
      else browser.cookies.set(name, value)
    }
    return response
  }
  const person: Person = {
    browser,
    ask,
    async begin(next) {
      const response = await ask(
        'POST',
        '/api/session/provider',
        next === undefined ? {} : { next },
      )
      expect(response.status).toBe(200)
      return ((await response.json()) as { url: string }).url
    },
    async visitProvider(url, name) {
      const ended = await browser.open(url, name)
      return ended.url
    },
    complete: (returned, headers) =>
      ask('POST', '/api/session/provider/callback', { query: new URL(returned).search }, headers),
    async signIn(name) {
      const response = await person.complete(await person.visitProvider(await person.begin(), name))
      const body = (await response.json()) as SignedInBody
      expect([response.status, body]).toEqual([200, expect.anything()])
      return body
    },
  }
  return person
}
