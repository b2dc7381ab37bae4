import { systemPrincipal } from './permit.ts'
import { hashSecret } from '../identity/secret-hash.ts'
import { verifyPassword } from '../identity/password.ts'
import { entriesOf, type Entry } from '../entities/entry.ts'
import { defaultWorkspace } from '../entities/default-workspace.ts'
import { changeConfiguration, type Control } from './change-configuration.ts'
import { entriesWith, referrersOf, type ConfigurationView } from './configuration-view.ts'
import { findEntry } from './find-entry.ts'
import { grantsOf, permissionsOf } from './state/state.ts'
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
  const { indexes } = control.state
  const { name, operations } = await bootstrapOperations(indexes, bootstrap)
  const isRestored = !isFirst && operations.length > 0 && !isSuperAdmin(indexes, name)
  const because = `WEIR_ADMIN_TOKEN or WEIR_ADMIN_PASSWORD is set, and ${name} was not a super-admin.`
  await change(control, operations, isRestored ? because : undefined)
  if (isRestored) {
    log.warn('control: super-admin role restored', { principal: name, because })
  }
}

function isSuperAdmin(view: ConfigurationView, name: string): boolean {
  const role = superAdminRole(view)
  const principal = findEntry(view, { entity: 'principal', workspace: null, at: name })
  return (
    role !== undefined &&
    principal !== undefined &&
    fullPermissionOf(view, role) !== undefined &&
    denialsOf(view, role).length === 0 &&
    superAdmins(view).includes(principal.id)
  )
}

/** The operations that make a principal a super-admin: create or enable it, repair the role and grant it. */
export function superAdminOperations(
  view: ConfigurationView,
  name: string,
  password: string | undefined,
): Operation[] {
  const existing = findEntry(view, { entity: 'principal', workspace: null, at: name })
  const isAsWanted = existing?.fields.enabled === true && password === undefined
  const body = { enabled: true, ...(password === undefined ? {} : { password }) }
  const account: Operation[] =
    existing === undefined
      ? [{ kind: 'create', entity: 'principal', workspace: null, body: { ...body, name } }]
      : isAsWanted
        ? []
        : [{ kind: 'update', entity: 'principal', workspace: null, at: name, body }]
  const { role, operations } = repairRole(view)
  const hasGrant =
    existing !== undefined &&
    grantsOf(view, existing.id).some(({ fields }) => fields.role.id === role)
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
function repairRole(view: ConfigurationView): {
  readonly role: string
  readonly operations: readonly Operation[]
} {
  const existing = superAdminRole(view)
  const workspace = defaultWorkspace.id
  const { id: role } = existing ?? { id: uuidv4() }
  const place = { id: role, workspace }
  const operations: Operation[] = []
  if (existing === undefined) {
    const body = { id: role, name: 'super-admin' }
    operations.push({ kind: 'create', entity: 'role', workspace, body })
  }
  for (const { id, fields } of denialsOf(view, place)) {
    const entity = 'endpoint' in fields ? 'endpoint-permission' : 'entity-permission'
    operations.push({ kind: 'delete', entity, workspace, at: id, isById: true })
  }
  if (fullPermissionOf(view, place) !== undefined) return { role, operations }
  const narrowed = permissionsOf(view, 'endpoint-permission', place).find(
    ({ fields }) => fields.workspace === '*' && fields.endpoint === '*' && !fields.negative,
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
  view: ConfigurationView,
  { adminToken, adminPassword }: Bootstrap,
): Promise<{ readonly name: string; readonly operations: readonly Operation[] }> {
  const owner = adminToken === undefined ? undefined : ownerOf(view, adminToken)
  const name = owner?.fields.name ?? adminName
  if (adminToken === undefined && adminPassword === undefined) return { name, operations: [] }
  const admin = findEntry(view, { entity: 'principal', workspace: null, at: name })
  const storedHash = admin?.fields.password
  const isUnchanged =
    adminPassword !== undefined && (await verifyPassword(adminPassword, storedHash ?? undefined))
  const access = superAdminOperations(view, name, isUnchanged ? undefined : adminPassword)
  const token = adminToken === undefined ? [] : tokenOperations(view, name, adminToken)
  return { name, operations: [...access, ...token] }
}

/** The principal that a token authenticates, also after it was renamed. */
function ownerOf(view: ConfigurationView, adminToken: string): Entry<'principal'> | undefined {
  const token = tokenWith(view, adminToken)
  return token && entriesOf(view.entries, 'principal').get(token.fields.principal.id)
}

function tokenOperations(view: ConfigurationView, name: string, adminToken: string): Operation[] {
  const admin = findEntry(view, { entity: 'principal', workspace: null, at: name })
  const known = tokenWith(view, adminToken)
  if (known !== undefined && known.fields.expires_at === null) return []
  const token =
    known ??
    (admin &&
      [...referrersOf(view, 'token', 'principal', admin)].find(
        ({ fields }) => fields.name === tokenName,
      ))
  const body = { principal: { name }, name: tokenName, token: adminToken }
  const at = token === undefined ? {} : { at: token.id }
  return [{ kind: 'replace', entity: 'token', workspace: null, ...at, body }]
}

function tokenWith(view: ConfigurationView, secret: string): Entry<'token'> | undefined {
  const [found] = entriesWith(view, 'token', 'token', hashSecret(secret))
  return found
}

const change = (control: Control, operations: readonly Operation[], because?: string) =>
  changeConfiguration(control, {
    principal: systemPrincipal,
    check: { ask: { workspace: defaultWorkspace, path: '/', action: 'create' } },
    origin: { requestId: '', address: '', method: '', path: '' },
    operations,
    status: 200,
    because,
  })
