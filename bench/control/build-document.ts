/** How large a configuration is measured. */
export type Size = { readonly routes: number; readonly consumers: number }

/** Routes of each service. */
const perService = 10

/** A declarative document with so many routes and consumers; each service wants a key, and each consumer has one and a group. `port` is where the first service is, to be different. */
export function buildDocument({ routes, consumers }: Size, port = 8080): object {
  return {
    _format_version: '3.0',
    services: Array.from({ length: routes / perService }, (_, service) => ({
      name: `service-${service}`,
      host: '127.0.0.1',
      port: service === 0 ? port : 8080,
      tags: ['bench'],
      plugins: [{ name: 'key-auth', config: { key_names: ['apikey'] } }],
      routes: Array.from({ length: perService }, (_unused, index) => {
        const number = service * perService + index
        return { name: `route-${number}`, paths: [pathOf(number)], methods: ['GET', 'POST'] }
      }),
    })),
    consumers: Array.from({ length: consumers }, (_, number) => ({
      username: `consumer-${number}`,
      keyauth_credentials: [{ key: `key-of-consumer-${number}` }],
      acls: [{ group: `group-${number % 20}` }],
    })),
  }
}

/** The path of a route. */
export const pathOf = (number: number): string =>
  `/api/v${number % 3}/area-${number % 97}/things-${number}`
