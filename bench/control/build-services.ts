import type { DeckObject, DeckState } from '../../test/harness/deck-client.ts'
import { routePath } from './build-document.ts'

/** The address of the upstream of all services. */
export type Upstream = { readonly port: number }

/** The route of the traffic, which exists before everything else. */
export const livePath = '/live'
/** The route that requires a key. */
export const guardedPath = '/guarded'

export const serviceId = (number: number): string => uuid('aaaa', number)
export const routeId = (number: number): string => uuid('bbbb', number)
export const consumerId = (number: number): string => uuid('cccc', number)

const uuid = (kind: string, number: number): string =>
  `${kind}0000-0000-4000-8000-${String(number).padStart(12, '0')}`

/** Numbers of the services and routes of the traffic and of the key, beyond those of every size. */
const [live, guarded] = [900_000_000, 900_000_001]

/** As many services as `size`, each with a route, and those of the traffic and of the key, in decK's form. */
export function buildServices(size: number, upstream: Upstream): DeckState {
  const { services = [], routes = [] } = liveServices(upstream)
  const numbers = Array.from({ length: size }, (_, number) => number)
  return {
    services: [...services, ...numbers.map((number) => service(number, upstream))],
    routes: [...routes, ...numbers.map((number) => route(number, routePath(number)))],
  }
}

export const liveServices = (upstream: Upstream): DeckState => ({
  services: [service(live, upstream), service(guarded, upstream)],
  routes: [route(live, livePath), route(guarded, guardedPath)],
})

const service = (number: number, { port }: Upstream): DeckObject => ({
  id: serviceId(number),
  name: `service-${number}`,
  protocol: 'http',
  host: '127.0.0.1',
  port,
})

/** A route of the service of the same number. */
export const route = (number: number, path: string): DeckObject => ({
  id: routeId(number),
  name: `route-${number}`,
  paths: [path],
  service: { id: serviceId(number) },
})

/** A key is required at its route. */
export const guard: DeckObject = {
  id: uuid('dddd', 0),
  name: 'key-auth',
  config: { key_names: ['apikey'] },
  route: { id: routeId(guarded) },
}

/** The same as a document, with every route in its service. */
export function buildServicesDocument(state: DeckState): object {
  const routes = Map.groupBy(
    state['routes'] ?? [],
    (one) => (one['service'] as { readonly id: string }).id,
  )
  return {
    _format_version: '3.0',
    services: (state['services'] ?? []).map((one) => ({
      ...one,
      routes: (routes.get(one.id) ?? []).map((own) => ({ ...own, service: undefined })),
    })),
  }
}
