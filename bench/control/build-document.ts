export type Size = { readonly routes: number; readonly consumers: number }

/** Routes per service. */
const perService = 10

/** Each service has key-auth, and each consumer a key and a group. `port` is the port of the first service, so that two documents can differ. */
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
        return { name: `route-${number}`, paths: [routePath(number)], methods: ['GET', 'POST'] }
      }),
    })),
    consumers: Array.from({ length: consumers }, (_, number) => ({
      username: `consumer-${number}`,
      keyauth_credentials: [{ key: `key-of-consumer-${number}` }],
      acls: [{ group: `group-${number % 20}` }],
    })),
  }
}

export const routePath = (number: number): string =>
  `/api/v${number % 3}/area-${number % 97}/things-${number}`
