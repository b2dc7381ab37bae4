import { defaultWorkspace } from '../../entities/default-workspace.ts'
import { entriesOf, type Entry } from '../../entities/entry.ts'
import type { Operation } from '../../entities/operation.ts'
import type { ProviderIdentity } from '../../identity/read-identity.ts'
import { uuidv4 } from '../../lib/ids.ts'
import { Problem } from '../../lib/problem.ts'
import { changeConfiguration, type Control, type Origin } from '../change-configuration.ts'
import { entriesWith, referrersOf } from '../configuration-view.ts'
import { findEntry } from '../find-entry.ts'
import { systemPrincipal } from '../permit.ts'

/** An identity that was verified, and where it is used. */
export type VerifiedIdentity = {
  readonly identity: ProviderIdentity
  /** Whether a principal is made for an unknown subject. */
  readonly createsUsers: boolean
  readonly origin: Origin
}

export type AppliedIdentity = {
  readonly principal: Entry<'principal'>
  readonly identity: Entry<'identity'>
}

/**
 * The principal of an identity, with the groups of its claims. An unknown subject becomes the identity of the person that an
 * administrator made beforehand, or of a new one. Claims that the provider issued before those that were last applied
 * change nothing, so that an old token gives no role back.
 */
export async function applyIdentity(
  control: Control,
  verified: VerifiedIdentity,
): Promise<AppliedIdentity> {
  const { identity, origin } = verified
  const known = identityOf(control, identity) ?? (await linkIdentity(control, verified))
  const principal = principalOf(control, known)
  if (principal?.fields.enabled !== true) throw refuse(`${principal?.fields.name} is disabled.`)
  const { clock, store } = control
  const claimsAt = identity.issuedAt
  const last = (await store.identityUses.find([known.id])).get(known.id)
  if (last === undefined || last.claimsAt <= claimsAt)
    await writeGroups(control, principal, verified)
  if (last === undefined || clock.now() - last.time >= minute || last.claimsAt < claimsAt)
    await store.identityUses.put(known.id, { time: clock.now(), address: origin.address, claimsAt })
  return { principal: principalOf(control, known) ?? principal, identity: known }
}

const minute = 60_000

/** The identity of a subject. */
export const identityOf = (
  { state }: Control,
  { issuer, subject }: { readonly issuer: string; readonly subject: string },
): Entry<'identity'> | undefined =>
  [...entriesWith(state.indexes, 'identity', 'subject', subject)].find(
    ({ fields }) => fields.issuer === issuer,
  )

const principalOf = ({ state }: Control, { fields }: Entry<'identity'>) =>
  entriesOf(state.entries, 'principal').get(fields.principal.id)

async function writeGroups(
  control: Control,
  principal: Entry<'principal'>,
  { identity: { issuer, groups }, origin }: VerifiedIdentity,
): Promise<void> {
  const held = principal.fields.groups.toSorted()
  if (held.length === groups.length && held.every((name, at) => name === groups[at])) return
  await change(control, origin, `Groups that ${issuer} says ${principal.fields.name} has.`, [
    {
      kind: 'update',
      entity: 'principal',
      workspace: null,
      at: principal.id,
      body: { groups: [...groups] },
    },
  ])
}

async function linkIdentity(
  control: Control,
  verified: VerifiedIdentity,
): Promise<Entry<'identity'>> {
  const { identity, origin } = verified
  const { issuer, subject, name, groups } = identity
  const made = findMade(control, identity)
  const { id, operations } =
    made === undefined ? createPrincipal(control, verified) : { id: made.id, operations: [] }
  const because =
    made === undefined
      ? `First sign-in of ${name} at ${issuer}.`
      : `First sign-in at ${issuer} of ${made.fields.name}, who was found by ${made.fields.custom_id === subject ? 'custom_id' : 'email'}.`
  try {
    await change(control, origin, because, [
      ...operations,
      {
        kind: 'create',
        entity: 'identity',
        workspace: null,
        body: { principal: { id }, issuer, subject },
      },
    ])
  } catch (error) {
    // Another request of the same subject was first; its change is visible after the next one.
    await change(control, origin, because, [])
    const other = identityOf(control, identity)
    if (other !== undefined) return other
    throw error
  }
  const linked = identityOf(control, { issuer, subject })
  if (linked === undefined) throw new TypeError(`no identity after linking ${groups.length} groups`)
  return linked
}

/** The person that an administrator made for a subject: by its id at the provider, or by an email address that the provider verified. */
function findMade(
  { state }: Control,
  { issuer, subject, email }: ProviderIdentity,
): Entry<'principal'> | undefined {
  const byId = [...entriesWith(state.indexes, 'principal', 'custom_id', subject)]
  const byEmail =
    email === undefined ? [] : [...entriesWith(state.indexes, 'principal', 'email', email)]
  const found = byId.length > 0 ? byId : byEmail
  const isLinked = (principal: Entry<'principal'>): boolean =>
    [...referrersOf(state.indexes, 'identity', 'principal', principal)].some(
      ({ fields }) => fields.issuer === issuer,
    )
  const [one, ...others] = found.filter((principal) => !isLinked(principal))
  if (others.length > 0) throw refuse(`Several principals could be ${subject}.`)
  return one
}

function createPrincipal(
  { state }: Control,
  { identity, createsUsers }: VerifiedIdentity,
): { readonly id: string; readonly operations: readonly Operation[] } {
  const { name, email, groups, isClient, subject } = identity
  if (!createsUsers) throw refuse(`No principal was made for ${subject}.`)
  if (findEntry(state.indexes, { entity: 'principal', workspace: null, at: name }) !== undefined)
    throw refuse(`A principal with the name ${name} exists, and is not that of ${subject}.`)
  const id = uuidv4()
  const body = {
    id,
    name,
    kind: isClient ? 'service-account' : 'user',
    groups: [...groups],
    ...(email === undefined ? {} : { email }),
  }
  return { id, operations: [{ kind: 'create', entity: 'principal', workspace: null, body }] }
}

/** The user sees that there is no account; the audit log contains the reason. */
const refuse = (record: string): Problem =>
  new Problem(
    'control.no_account',
    403,
    'You have no account in Weir; ask an administrator for one',
    { record },
  )

const change = (
  control: Control,
  origin: Origin,
  because: string,
  operations: readonly Operation[],
): Promise<unknown> =>
  changeConfiguration(control, {
    principal: systemPrincipal,
    check: { ask: { workspace: defaultWorkspace, path: '/rbac/users', action: 'update' } },
    origin,
    operations,
    status: 200,
    because,
  })
