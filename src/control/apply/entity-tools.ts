import { createHash, createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import type { EntityTools, RefusalOf } from '../../entities/hooks.ts'
import { hashPassword } from '../../identity/password.ts'
import { hashSecret } from '../../identity/secret-hash.ts'
import { isIP } from 'node:net'
import type { Egress } from '../../lib/egress.ts'
import { uuidv4 } from '../../lib/ids.ts'

/** The implementation of EntityTools on node:crypto. */
export const entityTools: EntityTools = {
  newId: uuidv4,
  hashSecret,
  hashPassword,
  sha1: (text) => createHash('sha1').update(text).digest('hex'),
  readCertificate(pem) {
    const certificate = new X509Certificate(pem)
    return {
      sha256: createHash('sha256').update(certificate.raw).digest('hex'),
      validTo: certificate.validToDate.getTime(),
      isAuthority: certificate.ca,
      hasPrivateKey: (key) => certificate.checkPrivateKey(createPrivateKey(key.pem)),
    }
  },
  readPrivateKey: (pem) => ({ type: createPrivateKey(pem).asymmetricKeyType, pem }),
  isPublicKey(key) {
    try {
      createPublicKey(key as string)
      return true
    } catch {
      // The answer itself; the caller names the field.
      return false
    }
  },
}

/** Checks addresses and `localhost`; gateways check the addresses of other names when they connect. */
export const hostRefusal =
  (egress: Egress | undefined): RefusalOf =>
  (host, port) => {
    if (egress === undefined) return undefined
    const bare = host.replace(/^\[|\]$/g, '')
    const isLocal = /^localhost\.?$/i.test(bare)
    if (!isLocal && isIP(bare) === 0) return undefined
    return (isLocal ? ['127.0.0.1', '::1'] : [bare])
      .map((address) => egress.refusalOf(address, port))
      .find((reason) => reason !== undefined)
  }
