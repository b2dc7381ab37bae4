import { scopeOf } from '../../proxy/directory.ts'
import type { Exchange } from '../../proxy/exchange.ts'
import type { Identifier, Settings } from './settings.ts'

/** The value by which requests share a limit. */
export function requestIdentifier(settings: Settings): (exchange: Exchange) => string {
  const { compound_identifier: compound, identifier } = settings
  const addressOr = (name: Identifier) => {
    const read = readers[name]
    return (exchange: Exchange): string =>
      read(exchange, settings) || exchange.request.clientAddress
  }
  if (compound === null) return addressOr(identifier)
  const all = compound.map(addressOr)
  // Quoted, so that no two lists of values are the same text.
  return (exchange) => JSON.stringify(all.map((read) => read(exchange)))
}

const readers: Readonly<
  Record<Identifier, (exchange: Exchange, settings: Settings) => string | undefined>
> = {
  ip: ({ request }) => request.clientAddress,
  credential: ({ caller }) => caller?.credential,
  consumer: ({ caller }) => caller?.consumer?.id ?? caller?.credential,
  service: ({ routeRef }) => routeRef.service,
  header: ({ request }, { header_name: name }) => request.headers.get((name ?? '').toLowerCase()),
  path: ({ request }, { path }) => (request.path === path ? path : undefined),
  'consumer-group': ({ caller }) => scopeOf(caller)?.consumerGroups.join(' '),
}
