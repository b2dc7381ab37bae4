import { z } from 'zod'
import type { Problem } from '../../lib/problem.ts'
import { schemaViolation } from '../kong-problem.ts'
import { isReference } from '../secret-reference.ts'

const block = (label: string): RegExp =>
  new RegExp(`-----BEGIN (${label})-----\\r?\\n[A-Za-z0-9+/=\\r\\n]+-----END \\1-----`, 'g')

/** One or more certificates as PEM, or a vault reference where the field is referenceable. Checks the form only; the control plane parses the contents. */
export const certificatePem = () =>
  z.string().refine((text) => isReference(text) || certificatesIn(text).length > 0, {
    error: 'invalid certificate: expected PEM',
  })

/** A private key as PEM without a passphrase, or a vault reference. */
export const keyPem = () =>
  z.string().refine((text) => isReference(text) || block('(?:RSA |EC )?PRIVATE KEY').test(text), {
    error: 'invalid key: expected PEM without a password',
  })

export const publicKeyPem = () =>
  z.string().refine((text) => isReference(text) || block('(?:RSA )?PUBLIC KEY').test(text), {
    error: 'invalid key',
  })

/** The PEM blocks of the certificates in a text, in order. */
export const certificatesIn = (text: string): string[] => text.match(block('CERTIFICATE')) ?? []

/** Runs a parser and turns its error into a violation of the field. */
export function readPem<Read>(field: string, kind: 'certificate' | 'key', read: () => Read): Read {
  try {
    return read()
  } catch (error) {
    throw schemaViolation({ [field]: `invalid ${kind}: ${(error as Error).message}` })
  }
}

/** A violation that concerns several fields (Kong's `@entity`). */
export const entityViolation = (sentence: string): Problem =>
  schemaViolation({ '@entity': [sentence] })
