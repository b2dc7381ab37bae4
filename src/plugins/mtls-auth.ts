import { Problem } from '../lib/problem.ts'
import type { Exchange } from '../proxy/exchange.ts'
import { FieldNames } from '../proxy/field-names.ts'
import { definePlugin } from '../proxy/plugin.ts'
import { openAuthentication, setCaller } from './authentication/open-authentication.ts'
import { openIdentification, type Identified } from './mtls-auth/identify-client.ts'
import { settings } from './mtls-auth/settings.ts'

export const mtlsAuth = definePlugin({
  name: 'mtls-auth',
  about: 'Authenticates clients by certificates that trusted CAs have issued.',
  identifies: true,
  // It determines the consumer.
  withoutScopes: ['consumer', 'consumer_group'],
  settings,
  trustedAuthorities: ({ ca_certificates: ids }) => ids as string[],
  prepare(settings, tools) {
    const authentication = openAuthentication('mtls-auth', settings.anonymous, tools)
    const identify = openIdentification(settings, tools)
    return {
      onRequest(exchange) {
        removeCertificateHeaders(exchange)
        if (authentication.isSettled(exchange)) return
        const { clientCertificate } = exchange.request
        const found =
          clientCertificate === undefined
            ? new Problem('mtls-auth.no_certificate', 401, 'No required TLS certificate was sent')
            : identify(exchange, clientCertificate)
        if (found instanceof Problem) return authentication.refuse(exchange, found)
        setCaller(exchange, found.caller, found.caller.credential)
        if (settings.skip_consumer_lookup) addCertificateHeaders(exchange, found)
      },
    }
  },
})

const subjectHeader = 'X-Client-Cert-Dn'
const alternativesHeader = 'X-Client-Cert-San'
const ownHeaders = new FieldNames([subjectHeader, alternativesHeader].map((n) => n.toLowerCase()))

/** A client must not be able to set them, in any spelling that a server might normalize to them. */
function removeCertificateHeaders({ forward }: Exchange): void {
  if (forward === undefined) return
  const { flat } = forward.headers
  for (let at = flat.length - 2; at >= 0; at -= 2)
    if (ownHeaders.hasFolded(flat[at] as string)) flat.splice(at, 2)
}

function addCertificateHeaders({ forward }: Exchange, { names }: Identified): void {
  if (forward === undefined) return
  forward.headers.add(subjectHeader, names.subject)
  if (names.alternatives.length > 0)
    forward.headers.add(alternativesHeader, names.alternatives.join(', '))
}
