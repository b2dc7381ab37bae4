import { z } from 'zod'
import type { Problem } from '../../lib/problem.ts'
import { schemaViolation } from '../kong-problem.ts'
import { isReference } from '../secret-reference.ts'

const block = (label: string): RegExp =>
  new RegExp(`-----BEGIN (${label})-----\\r?\\n[A-Za-z0-9+/=\\r\\n]+-----END \\1-----`, 'g')

/** One or more certificates as PEM, or a reference to a secret. What they say is checked where they can be read, in the control plane. */
export const certificatePem = () =>
  z.string().refine((text) => isReference(text) || certificatesIn(text).length > 0, {
    error: 'invalid certificate: expected PEM',
  })

/** A private key as PEM, without a password, or a reference to a secret. */
export const keyPem = () =>
  z.string().refine((text) => isReference(text) || block('(?:RSA |EC )?PRIVATE KEY').test(text), {
    error: 'invalid key: expected PEM without a password',
  })

/** A public key as PEM. */
export const publicKeyPem = () =>
  z.string().refine((text) => block('(?:RSA )?PUBLIC KEY').test(text), {
    error: 'invalid key',
  })

/** The PEM blocks of the certificates in a text, in order. */
export const certificatesIn = (text: string): string[] => text.match(block('CERTIFICATE')) ?? []

/** What a PEM text holds; a parser that fails makes a violation of its field. */
export function readPem<Read>(field: string, kind: 'certificate' | 'key', read: () => Read): Read {
  try {
    return read()
  } catch (error) {
    throw schemaViolation({ [field]: `invalid ${kind}: ${(error as Error).message}` })
  }
}

/** A violation of an entity as a whole. */
export const refusedEntity = (sentence: string): Problem =>
  schemaViolation({ '@entity': [sentence] })
