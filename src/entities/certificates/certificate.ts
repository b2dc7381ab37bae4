import { z } from 'zod'
import type { AnyFields } from '../declaration.ts'
import { defineEntity } from '../entity.ts'
import { isHost, optional, reference, tags, uuidPattern } from '../fields.ts'
import type { AnyOperation, EntityTools, Lookup, OperationAlias } from '../hooks.ts'
import { schemaViolation } from '../kong-problem.ts'
import { referenceable } from '../referenceable-fields.ts'
import { isReference } from '../secret-reference.ts'
import { certificatePem, keyPem, readPem, entityViolation } from './pem.ts'

/** Names are unique across workspaces, because a TLS handshake names no workspace. */
export const sni = defineEntity(
  {
    name: 'sni',
    plural: 'snis',
    about: 'A server name (SNI) mapped to the certificate that the gateway presents for it.',
    key: 'name',
    unique: ['name'],
    uniqueEverywhere: true,
    refersTo: { certificate: 'certificate' },
    belongsTo: 'certificate',
    fields: z.strictObject({
      name: z
        .string()
        .refine((name) => isServerName(name), {
          error: (issue) => `invalid value: ${String(issue.input)}`,
        })
        .transform((name) => name.toLowerCase())
        .describe(
          'Host name of the TLS handshake. A leading or trailing `*` matches one label; `*` alone matches any name. Unique across all workspaces.',
        ),
      certificate: reference().describe('The certificate to present for this name.'),
      tags: tags(),
    }),
  },
  { describe: ({ fields: { name } }) => name },
)

/** Nodes terminate TLS, so the private key is part of the sealed snapshot. As in Kong, a body lists the server names (SNI entities), and a path may address a certificate by one of them. */
export const certificate = defineEntity(
  {
    name: 'certificate',
    plural: 'certificates',
    about:
      'A certificate with its private key, presented to clients by server name, or to services as a client certificate.',
    naturalKey: ['cert'],
    secret: ['key', 'key_alt'],
    reveals: 'writers',
    document: { withId: true },
    virtual: {
      snis: {
        type: ['array', 'null'],
        items: { type: 'string' },
        description:
          'Server names (SNI) of the certificate. When given, the list replaces all existing ones.',
      },
    },
    fields: z.strictObject({
      cert: referenceable(certificatePem()).describe(
        'The certificate, followed by its intermediates. PEM encoded, or a vault reference.',
      ),
      key: referenceable(keyPem()).describe(
        'The private key of `cert`, PEM encoded without a passphrase, or a vault reference.',
      ),
      cert_alt: optional(referenceable(certificatePem())).describe(
        'An alternative certificate with a different key type, such as ECDSA beside RSA. Requires `key_alt`.',
      ),
      key_alt: optional(referenceable(keyPem())).describe(
        'The private key of `cert_alt`. PEM encoded without a passphrase, or a vault reference.',
      ),
      tags: tags(),
    }),
    check({ value, issues }) {
      if ((value['cert_alt'] === null) !== (value['key_alt'] === null)) {
        const message = `all or none of these fields must be set: 'cert_alt', 'key_alt'`
        issues.push({ code: 'custom', message, path: [], input: value })
      }
    },
  },
  {
    findId({ workspace, at }, lookup) {
      return lookup.find(sni, { workspace, at })?.fields.certificate.id
    },
    expandOperation(operation, { known, lookup, newId }) {
      if (operation.kind === 'delete') return { operations: [operation], aliases: [] }
      const { snis, ...body } = operation.body ?? {}
      const { at, workspace } = operation
      const listed = serverNamesIn(snis)
      const { id, name } =
        known === undefined ? subjectOf(operation, newId) : { id: known.id, name: undefined }
      const own: AnyOperation =
        at === undefined ? { ...operation, body: { ...body, id } } : { ...operation, at: id, body }
      if (listed === undefined && name === undefined) return { operations: [own], aliases: [] }
      const wanted = new Set([name, ...(listed ?? [])].filter((one) => one !== undefined))
      const changes = serverNameOperations({ id, workspace }, [...wanted], lookup)
      return { operations: [own, ...changes], aliases: changes.map(aliasOf) }
    },
    complete(fields, { tools }) {
      checkPairs(fields, tools)
      return fields
    },
    present({ id, workspace }, { lookup }) {
      const within = { field: 'certificate', id }
      return { snis: lookup.list(sni, { workspace, within }).map(nameIn).toSorted() }
    },
  },
)

const nameIn = ({ fields }: { readonly fields: { readonly name: string } }): string => fields.name

/** Whether `name` is a host name, alone or with a `*` for its first or last label, or `*`. */
function isServerName(name: string): boolean {
  if (name === '*') return true
  const plain = name.startsWith('*.')
    ? name.slice(2)
    : name.endsWith('.*')
      ? name.slice(0, -2)
      : name
  return isHost(plain) && !/^[\d.]+$|[:[\]]/.test(plain)
}

/** The id of a new certificate, and the server name when the path gives one instead of an id. */
function subjectOf(
  { at, body }: AnyOperation,
  newId: () => string,
): { readonly id: string; readonly name: string | undefined } {
  if (at !== undefined && uuidPattern.test(at)) return { id: at, name: undefined }
  const id = typeof body?.['id'] === 'string' ? body['id'] : newId()
  return { id, name: at }
}

function serverNamesIn(given: unknown): string[] | undefined {
  if (given === undefined || given === null) return undefined
  const names = typeof given === 'string' ? [given] : given
  if (Array.isArray(names) && names.every((name): name is string => typeof name === 'string')) {
    return [...new Set(names)]
  }
  throw schemaViolation({ snis: 'expected a set' })
}

/** Operations that create and delete server names until the certificate has exactly the wanted ones. */
function serverNameOperations(
  { id, workspace }: { readonly id: string; readonly workspace: string | null },
  wanted: readonly string[],
  lookup: Lookup,
): AnyOperation[] {
  const existing = lookup.list(sni, { workspace, within: { field: 'certificate', id } }).map(nameIn)
  const fresh = wanted.filter((name) => !existing.includes(name.toLowerCase()))
  for (const name of fresh) {
    const other = lookup.find(sni, { workspace, at: name.toLowerCase() })
    if (other === undefined) continue
    const owner = other.fields.certificate.id
    throw schemaViolation({
      snis: `${name} already associated with existing certificate '${owner}'`,
    })
  }
  const kept = new Set(wanted.map((name) => name.toLowerCase()))
  const entity = sni.name
  return [
    ...existing
      .filter((name) => !kept.has(name))
      .map((at): AnyOperation => ({ kind: 'delete', entity, workspace, at })),
    ...fresh.map((name): AnyOperation => {
      const body = { name, certificate: { id } }
      return { kind: 'create', entity, workspace, body }
    }),
  ]
}

const aliasOf = ({ kind, at }: AnyOperation): OperationAlias => ({
  entity: sni,
  at,
  action: kind === 'delete' ? 'delete' : 'create',
})

function checkPairs(
  { cert, key, cert_alt: certAlt, key_alt: keyAlt }: AnyFields,
  tools: EntityTools,
): void {
  // Vault references are resolved on the nodes, so their values cannot be checked here.
  if ([cert, key, certAlt, keyAlt].some(isReference)) return
  const pairOf = (certField: string, keyField: string, fields: AnyFields) => {
    const read = readPem(certField, 'certificate', () =>
      tools.readCertificate(String(fields[certField])),
    )
    const privateKey = readPem(keyField, 'key', () =>
      tools.readPrivateKey(String(fields[keyField])),
    )
    return { matches: read.hasPrivateKey(privateKey), type: privateKey.type }
  }
  const first = pairOf('cert', 'key', { cert, key })
  if (certAlt === null) {
    if (!first.matches) throw entityViolation('certificate does not match key')
    return
  }
  const second = pairOf('cert_alt', 'key_alt', { cert_alt: certAlt, key_alt: keyAlt })
  if (!first.matches) throw entityViolation('certificate does not match key')
  if (!second.matches) throw entityViolation('alternative certificate does not match key')
  if (first.type === second.type) {
    throw entityViolation(
      'certificate and alternative certificate need to have different type (e.g. RSA and ECDSA), the provided certificates were both of the same type',
    )
  }
}
