import { createHash, createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import type { EntityTools } from '../../entities/hooks.ts'
import { hashPassword } from '../../identity/password.ts'
import { hashSecret } from '../../identity/secret-hash.ts'
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
