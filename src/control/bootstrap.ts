import { systemPrincipal } from './permit.ts'
import { isSecret } from '../identity/secret-hash.ts'
import { verifyPassword } from '../identity/password.ts'
import { entriesOf, type Entries, type Entry } from '../entities/entry.ts'
import { defaultWorkspace } from '../entities/default-workspace.ts'
import { changeConfiguration, type Control } from './change-configuration.ts'
import { findEntry } from './find-entry.ts'
import type { Operation } from '../entities/operation.ts'

/** Credentials of the first super-admin, which replace the set-up link. */
export type Bootstrap = {
  /** Token of the principal `admin`. */
  readonly adminToken?: string | undefined
  /** Password of the principal `admin`. */
  readonly adminPassword?: string | undefined
}

const adminName = 'admin'
const tokenName = 'bootstrap'

/** Creates the default workspace with its roles, and the bootstrap super-admin if configured. Idempotent, except that a newer version of Weir may build a different snapshot. */
export async function createInitialEntities(control: Control, bootstrap: Bootstrap): Promise<void> {
  const { id, name } = defaultWorkspace
  if (control.state.entries.get('workspace')?.has(id) !== true) {
    await change(control, [
      { kind: 'create', entity: 'workspace', workspace: null, body: { id, name } },
    ])
  }
  await change(control, await bootstrapOperations(control.state.entries, bootstrap))
}

/** The operations that create or enable a principal and grant it the role super-admin. */
export function superAdminOperations(
  entries: Entries,
  name: string,
  password: string | undefined,
): Operation[] {
  const existing = findEntry(entries, { entity: 'principal', workspace: null, at: name })
  const role = superAdminRole(entries)
  const hasRole = grantsOf(entries, role).some(({ fields }) => fields.principal.id === existing?.id)
  const body = { enabled: true, ...(password === undefined ? {} : { password }) }
  const isAsWanted = existing?.fields.enabled === true && password === undefined
  const operations: Operation[] = []
  if (existing === undefined) {
    operations.push({
      kind: 'create',
      entity: 'principal',
      workspace: null,
      body: { ...body, name },
    })
  } else if (!isAsWanted) {
    operations.push({ kind: 'update', entity: 'principal', workspace: null, at: name, body })
  }
  if (!hasRole && role !== undefined) {
    const grant = { principal: { name }, role: { id: role.id } }
    operations.push({ kind: 'create', entity: 'grant', workspace: null, body: grant })
  }
  return operations
}

/** Whether an enabled principal with a password or a token has the role super-admin. */
export function hasSuperAdmin(entries: Entries): boolean {
  return grantsOf(entries, superAdminRole(entries)).some((grant) => {
    const principal = entriesOf(entries, 'principal').get(grant.fields.principal.id)
    if (principal?.fields.enabled !== true) return false
    const tokens = [...entriesOf(entries, 'token').values()]
    return (
      principal.fields.password !== null ||
      tokens.some(({ fields }) => fields.principal.id === principal.id)
    )
  })
}

async function bootstrapOperations(
  entries: Entries,
  { adminToken, adminPassword }: Bootstrap,
): Promise<Operation[]> {
  if (adminToken === undefined && adminPassword === undefined) return []
  const admin = findEntry(entries, { entity: 'principal', workspace: null, at: adminName })
  const storedHash = admin?.fields.password
  const isUnchanged =
    adminPassword !== undefined && (await verifyPassword(adminPassword, storedHash ?? undefined))
  const operations = superAdminOperations(
    entries,
    adminName,
    isUnchanged ? undefined : adminPassword,
  )
  return adminToken === undefined
    ? operations
    : [...operations, ...tokenOperations(entries, admin?.id, adminToken)]
}

function tokenOperations(
  entries: Entries,
  admin: string | undefined,
  adminToken: string,
): Operation[] {
  const token = [...entriesOf(entries, 'token').values()].find(
    ({ fields }) => fields.principal.id === admin && fields.name === tokenName,
  )
  if (token !== undefined && isSecret(adminToken, token.fields.token)) return []
  const body = { principal: { name: adminName }, name: tokenName, token: adminToken }
  const at = token === undefined ? {} : { at: token.id }
  return [{ kind: 'replace', entity: 'token', workspace: null, ...at, body }]
}

const superAdminRole = (entries: Entries): Entry<'role'> | undefined =>
  findEntry(entries, { entity: 'role', workspace: defaultWorkspace.id, at: 'super-admin' })

const grantsOf = (entries: Entries, role: Entry<'role'> | undefined): Entry<'grant'>[] =>
  [...entriesOf(entries, 'grant').values()].filter(({ fields }) => fields.role.id === role?.id)

const change = (control: Control, operations: readonly Operation[]) =>
  changeConfiguration(control, {
    principal: systemPrincipal,
    check: { ask: { workspace: defaultWorkspace, path: '/', action: 'create' } },
    origin: { requestId: '', address: '', method: '', path: '' },
    operations,
    status: 200,
  })
