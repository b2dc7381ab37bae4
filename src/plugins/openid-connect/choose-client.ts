import type { Exchange } from '../../proxy/exchange.ts'
import { cookiesOf } from '../authentication/browser-cookies.ts'
import type { Settings } from './settings.ts'

/** The settings of each client. Its cookies have names of their own, by which later requests find it. */
export function settingsOfClients(settings: Settings): readonly [Settings, ...Settings[]] {
  const ids = settings.client_id ?? []
  if (ids.length < 2) return [settings]
  const at = <Value>(list: readonly Value[] | null, index: number): Value[] | null => {
    const value = list?.[index] ?? list?.[0]
    return value === undefined ? null : [value]
  }
  const of = (id: string, index: number): Settings => ({
    ...settings,
    client_id: [id],
    client_secret: at(settings.client_secret, index),
    client_auth: at(settings.client_auth, index),
    redirect_uri: at(settings.redirect_uri, index),
    login_redirect_uri: at(settings.login_redirect_uri, index),
    logout_redirect_uri: at(settings.logout_redirect_uri, index),
    session_cookie_name: nameOf(settings.session_cookie_name, index),
    authorization_cookie_name: nameOf(settings.authorization_cookie_name, index),
  })
  const [first = '', ...others] = ids
  return [of(first, 0), ...others.map((id, index) => of(id, index + 1))]
}

const nameOf = (name: string, index: number): string =>
  index === 0 ? name : `${name}_client${index + 1}`

/** The index of the client for a request: the one that it names, that began the sign-in or the session of its browser, else the first. */
export function openClientChoice(settings: Settings): (exchange: Exchange) => number {
  const clients = settingsOfClients(settings)
  if (clients.length === 1) return () => 0
  const ids = new Map((settings.client_id ?? []).map((id, index) => [id, index]))
  const argument = settings.client_arg
  return (exchange) => {
    const { request } = exchange
    const query = new URLSearchParams(request.query)
    const [named = query.get(argument)] = request.headers.all(argument.toLowerCase())
    const explicit = named === null ? undefined : ids.get(named)
    if (explicit !== undefined) return explicit
    const names = [...cookiesOf(exchange).keys()].map((name) => name.replace(/^__Host-/, ''))
    const state = query.get('state')
    const begun = clients.findIndex(({ authorization_cookie_name: name }) =>
      names.includes(`${name}_${state}`),
    )
    if (begun >= 0) return begun
    const signedIn = clients.findIndex(({ session_cookie_name: name }) => names.includes(name))
    return Math.max(0, signedIn)
  }
}
