import { generateKeyPairSync, randomUUID } from 'node:crypto'
import type { Pair } from '../harness/make-certificate.ts'
import { membership, type DeckObject, type DeckState } from '../harness/deck-client.ts'

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const publicPem = ec.publicKey.export({ type: 'spki', format: 'pem' }).toString()

/** One of every kind that decK knows, and of some two; `mark` tells it from others where names exist once. */
export function everyKind(mark: string, [pair, authority]: readonly [Pair, Pair]): DeckState {
  const [certificate, caCertificate, consumer, group] = fourIds()
  const [service, route, upstream, set] = fourIds()
  const own = { consumer: { id: consumer, username: `ann-${mark}` } }
  const jwk = { ...ec.publicKey.export({ format: 'jwk' }), kid: mark }
  return {
    certificates: [{ id: certificate, cert: pair.cert, key: pair.key, tags: [mark] }],
    ca_certificates: [{ id: caCertificate, cert: authority.cert }],
    snis: [made({ name: `${mark}.example`, certificate: { id: certificate } })],
    consumers: [{ id: consumer, username: `ann-${mark}`, custom_id: mark }],
    vaults: [made({ prefix: `safe-${mark}`, name: 'env', config: { prefix: 'X_' } })],
    'key-sets': [{ id: set, name: mark }],
    keys: [
      made({ name: `jwk-${mark}`, kid: mark, jwk: JSON.stringify(jwk), set: { id: set } }),
      made({ name: `pem-${mark}`, kid: `${mark}-pem`, pem: { public_key: publicPem } }),
    ],
    consumer_groups: [{ id: group, name: `gold-${mark}`, tags: [mark] }],
    members: [membership(group, consumer)],
    'key-auths': [made({ ...own, key: `key-${mark}` })],
    'basic-auths': [made({ ...own, username: mark, password: 'open sesame' })],
    'hmac-auths': [made({ ...own, username: mark, secret: 'shared' })],
    jwts: [made({ ...own, key: mark, algorithm: 'ES256', rsa_public_key: publicPem })],
    oauth2: [made({ ...own, name: 'app', client_id: mark, client_secret: 'of the app' })],
    acls: [made({ ...own, group: 'buyers' })],
    'mtls-auths': [made({ ...own, subject_name: mark, ca_certificate: { id: caCertificate } })],
    services: [{ id: service, name: mark, host: `pool-${mark}`, protocol: 'https', port: 443 }],
    routes: [
      { id: route, name: mark, paths: ['/a', '~/b/\\d+$'], service: { id: service } },
      made({ name: `${mark}-grpc`, protocols: ['grpc'], hosts: ['h.example'], strip_path: false }),
      made({ name: `${mark}-udp`, protocols: ['udp'], sources: [{ ip: '10.0.0.0/8', port: 53 }] }),
    ],
    upstreams: [
      {
        id: upstream,
        name: `pool-${mark}`,
        healthchecks: { active: { healthy: { interval: 5 } } },
      },
    ],
    targets: [made({ target: 'h.example:9000', upstream: { id: upstream } })],
    plugins: [
      made({ name: 'key-auth', service: { id: service } }),
      made({ name: 'acl', route: { id: route }, config: { allow: ['buyers'] } }),
      made({ name: 'rate-limiting', consumer_group: { id: group }, config: { minute: 5 } }),
      made({ name: 'rate-limiting', consumer: { id: consumer }, config: { hour: 50 } }),
      made({ name: 'correlation-id', tags: [mark] }),
      made({ name: 'request-termination', route: { id: route }, enabled: false }),
    ],
  }
}

/** Services with their routes, as a team has them, so many objects in all. */
export function manyServices(count: number): DeckState {
  const services = Array.from({ length: Math.ceil(count / 2) }, (_, index) =>
    made({ name: `service-${index}`, host: `h${index}.example` }),
  )
  const routes = services
    .slice(0, Math.floor(count / 2))
    .map(({ id }, index) => made({ name: `route-${index}`, paths: [`/${index}`], service: { id } }))
  return { services, routes }
}

const made = (fields: Readonly<Record<string, unknown>>): DeckObject => ({
  ...fields,
  id: randomUUID(),
})

const fourIds = () => [randomUUID(), randomUUID(), randomUUID(), randomUUID()] as const
