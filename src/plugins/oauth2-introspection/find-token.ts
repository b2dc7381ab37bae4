import type { Exchange } from '../../proxy/exchange.ts'
import { readSmallBody, replaceBody } from '../../proxy/small-body.ts'

const parameter = 'access_token'

/** The token in the Authorization header or the query. A header that comes twice has none: the service could read the other one. */
export function findToken({ request }: Exchange): string | undefined {
  const fields = request.headers.all('authorization')
  const [, token] = /^bearer +(\S+) *$/i.exec(fields.length === 1 ? (fields[0] ?? '') : '') ?? []
  if (token !== undefined || request.query === '') return token
  return new URLSearchParams(request.query).get(parameter) ?? undefined
}

/** The token in a form; undefined when there is no form. */
export function readFormToken(exchange: Exchange): Promise<string | undefined> | undefined {
  const { body } = exchange
  if (!body.present || !isForm(exchange)) return undefined
  return readSmallBody(body).then((bytes) => {
    if (bytes === undefined) return undefined
    const form = new URLSearchParams(String(bytes))
    forms.set(exchange, form)
    return form.get(parameter) ?? undefined
  })
}

/** Forms that were read. */
const forms = new WeakMap<Exchange, URLSearchParams>()

const isForm = ({ request }: Exchange): boolean =>
  /^application\/x-www-form-urlencoded\b/i.test(request.headers.get('content-type') ?? '')

/** Removes a token from the forwarded request, wherever it was. */
export function hideToken(exchange: Exchange, token: string): void {
  const { forward, body } = exchange
  if (forward === undefined) return
  if (forward.headers.get('authorization')?.includes(token) === true)
    forward.headers.delete('authorization')
  if (forward.query !== '') {
    const pairs = forward.query.split('&')
    const kept = pairs.filter((pair) => !new URLSearchParams(pair).has(parameter))
    if (kept.length < pairs.length) forward.query = kept.join('&')
  }
  const held = forms.get(exchange)
  if (held?.has(parameter) !== true) return
  held.delete(parameter)
  forward.body = replaceBody(body, Buffer.from(held.toString()))
}
