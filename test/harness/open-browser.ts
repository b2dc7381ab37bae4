import { request as send } from 'undici'

/** A browser without pages: it keeps cookies, follows redirects, and fills the forms of the test provider in. */
export type TestBrowser = {
  readonly cookies: Map<string, string>
  /** One request of a page, without following redirects. */
  request(
    this: void,
    url: string,
    init?: {
      readonly method?: 'GET' | 'POST'
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: URLSearchParams
    },
  ): Promise<Response>
  /** Opens a page as `person` and returns where that ends. */
  open(url: string, person: string): Promise<{ readonly url: string; readonly response: Response }>
}

export function openBrowser(): TestBrowser {
  const cookies = new Map<string, string>()
  const request: TestBrowser['request'] = async (
    url,
    { method = 'GET', headers = {}, body } = {},
  ) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    // Unlike fetch, it adds no fields of its own.
    const received = await send(url, {
      method,
      headers: { accept: 'text/html', cookie, ...formType(body), ...headers },
      body: body?.toString() ?? null,
    })
    const fields = new Headers()
    for (const [name, values] of Object.entries(received.headers))
      for (const value of [values ?? []].flat()) fields.append(name, value)
    const status = received.statusCode
    const response = new Response(await received.body.text(), { status, headers: fields })
    for (const field of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = field.split(';')
      const equals = pair.indexOf('=')
      const name = pair.slice(0, equals)
      const isOver = attributes.some((one) => /max-age=0|expires=Thu, 01 Jan 1970/i.test(one))
      if (isOver) cookies.delete(name)
      else cookies.set(name, pair.slice(equals + 1))
    }
    return response
  }
  return {
    cookies,
    request,
    async open(start, person) {
      let url = start
      let response = await request(url)
      for (let step = 0; step < 20; step += 1) {
        const location = response.headers.get('location')
        if (location !== null) {
          url = new URL(location, url).href
          response = await request(url)
          continue
        }
        const prompt = url.includes('/interaction/')
          ? /name="prompt" value="(\w+)"/.exec(await response.clone().text())?.[1]
          : undefined
        if (prompt === undefined) return { url, response }
        const body = new URLSearchParams({ prompt, login: person, password: 'right' })
        response = await request(url, { method: 'POST', body })
      }
      throw new Error(`too many redirects at ${url}`)
    },
  }
}

const formType = (body: URLSearchParams | undefined): Record<string, string> =>
  body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }
