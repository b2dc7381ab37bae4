import { systemPrincipal } from './permit.ts'
import { isSecret } from '../identity/secret-hash.ts'
import { verifyPassword } from '../identity/password.ts'
import { entriesOf, type Entries, type Entry } from '../entities/entry.ts'
import { defaultWorkspace } from '../entities/default-workspace.ts'
import { changeConfiguration, type Control } from './change-configuration.ts'
import { findEntry } from './find-entry.ts'
import { denialsOf, fullPermissionOf, superAdmins, superAdminRole } from './keep-super-admin.ts'
import { uuidv4 } from '../lib/ids.ts'
import type { Log } from '../lib/log.ts'
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

/**
 * Creates the default workspace with its roles, and the configured super-admin; a principal that lost the role gets it back.
 * Idempotent, except that a newer version of Weir may build a different snapshot.
 */
export async function createInitialEntities(
  control: Control,
  bootstrap: Bootstrap,
  log: Pick<Log, 'warn'>,
): Promise<void> {
  const { id, name: workspace } = defaultWorkspace
  const isFirst = control.state.entries.get('workspace')?.has(id) !== true
  if (isFirst) {
    await change(control, [
      { kind: 'create', entity: 'workspace', workspace: null, body: { id, name: workspace } },
    ])
  }
  const { entries } = control.state
  const { name, operations } = await bootstrapOperations(entries, bootstrap)
  const isRestored = !isFirst && operations.length > 0 && !isSuperAdmin(entries, name)
  const because = `WEIR_ADMIN_TOKEN or WEIR_ADMIN_PASSWORD is set, and ${name} was not a super-admin.`
  await change(control, operations, isRestored ? because : undefined)
  if (isRestored) {
    log.warn('control: a principal is a super-admin again', { principal: name, because })
  }
}

function isSuperAdmin(entries: Entries, name: string): boolean {
  const role = superAdminRole(entries)
  const principal = findEntry(entries, { entity: 'principal', workspace: null, at: name })
  return (
    role !== undefined &&
    principal !== undefined &&
    fullPermissionOf(entries, role.id) !== undefined &&
    denialsOf(entries, role.id).length === 0 &&
    superAdmins(entries).includes(principal.id)
  )
}

/** The operations that make a principal a super-admin: create or enable it, repair the role and grant it. */
export function superAdminOperations(
  entries: Entries,
  name: string,
  password: string | undefined,
): Operation[] {
  const existing = findEntry(entries, { entity: 'principal', workspace: null, at: name })
  const isAsWanted = existing?.fields.enabled === true && password === undefined
  const body = { enabled: true, ...(password === undefined ? {} : { password }) }
  const account: Operation[] =
    existing === undefined
      ? [{ kind: 'create', entity: 'principal', workspace: null, body: { ...body, name } }]
      : isAsWanted
        ? []
        : [{ kind: 'update', entity: 'principal', workspace: null, at: name, body }]
  const { role, operations } = repairRole(entries)
  const hasGrant = [...entriesOf(entries, 'grant').values()].some(
    ({ fields }) => fields.role.id === role && fields.principal.id === existing?.id,
  )
  const grant = { principal: { name }, role: { id: role } }
  return [
    ...account,
    ...operations,
    ...(hasGrant
      ? []
      : [{ kind: 'create', entity: 'grant', workspace: null, body: grant } as const]),
  ]
}

/** The id of the role super-admin, and the operations that create it or give it back its permissions. */
function repairRole(entries: Entries): {
  readonly role: string
  readonly operations: readonly Operation[]
} {
  const existing = superAdminRole(entries)
  const role = existing?.id ?? uuidv4()
  const workspace = defaultWorkspace.id
  const operations: Operation[] = []
  if (existing === undefined) {
    const body = { id: role, name: 'super-admin' }
    operations.push({ kind: 'create', entity: 'role', workspace, body })
  }
  for (const { id, fields } of denialsOf(entries, role)) {
    const entity = 'endpoint' in fields ? 'endpoint-permission' : 'entity-permission'
    operations.push({ kind: 'delete', entity, workspace, at: id, isById: true })
  }
  if (fullPermissionOf(entries, role) !== undefined) return { role, operations }
  const narrowed = [...entriesOf(entries, 'endpoint-permission').values()].find(
    ({ fields }) =>
      fields.role.id === role &&
      fields.workspace === '*' &&
      fields.endpoint === '*' &&
      !fields.negative,
  )
  operations.push({
    kind: 'replace',
    entity: 'endpoint-permission',
    workspace,
    ...(narrowed === undefined ? {} : { at: narrowed.id, isById: true }),
    body: { role: { id: role }, workspace: '*', endpoint: '*', actions: '*' },
  })
  return { role, operations }
}

async function bootstrapOperations(
  entries: Entries,
  { adminToken, adminPassword }: Bootstrap,
): Promise<{ readonly name: string; readonly operations: readonly Operation[] }> {
  const owner = adminToken === undefined ? undefined : ownerOf(entries, adminToken)
  const name = owner?.fields.name ?? adminName
  if (adminToken === undefined && adminPassword === undefined) return { name, operations: [] }
  const admin = findEntry(entries, { entity: 'principal', workspace: null, at: name })
  const storedHash = admin?.fields.password
  const isUnchanged =
    adminPassword !== undefined && (await verifyPassword(adminPassword, storedHash ?? undefined))
  const access = superAdminOperations(entries, name, isUnchanged ? undefined : adminPassword)
  const token = adminToken === undefined ? [] : tokenOperations(entries, name, adminToken)
  return { name, operations: [...access, ...token] }
}

/** The principal that a token authenticates, also after it was renamed. */
function ownerOf(entries: Entries, adminToken: string): Entry<'principal'> | undefined {
  const token = tokenWith(entries, adminToken)
  return token && entriesOf(entries, 'principal').get(token.fields.principal.id)
}

function tokenOperations(entries: Entries, name: string, adminToken: string): Operation[] {
  const admin = findEntry(entries, { entity: 'principal', workspace: null, at: name })
  const known = tokenWith(entries, adminToken)
  if (known !== undefined && known.fields.expires_at === null) return []
  const token =
    known ??
    [...entriesOf(entries, 'token').values()].find(
      ({ fields }) => fields.principal.id === admin?.id && fields.name === tokenName,
    )
  const body = { principal: { name }, name: tokenName, token: adminToken }
  const at = token === undefined ? {} : { at: token.id }
  return [{ kind: 'replace', entity: 'token', workspace: null, ...at, body }]
}

const tokenWith = (entries: Entries, secret: string): Entry<'token'> | undefined =>
  [...entriesOf(entries, 'token').values()].find(({ fields }) => isSecret(secret, fields.token))

const change = (control: Control, operations: readonly Operation[], because?: string) =>
  changeConfiguration(control, {
    principal: systemPrincipal,
    check: { ask: { workspace: defaultWorkspace, path: '/', action: 'create' } },
    origin: { requestId: '', address: '', method: '', path: '' },
    operations,
    status: 200,
    because,
  })
