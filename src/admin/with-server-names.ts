import type { Ask } from '../access/rights.ts'
import { schemaViolation } from '../control/kong-problem.ts'
import type { Operation } from '../control/operation.ts'
import { uuidv4 } from '../lib/ids.ts'
import { referenceIn, type Entry } from '../schema/entry.ts'
import { uuidPattern } from '../schema/fields.ts'
import type { Asked } from './admin-route.ts'
import { ownPath } from './ask-of.ts'

/** Kong's certificates carry their server names in their own body, and may be put by one; here these are entities, changed together with the certificate. Tells by which doors they could have been reached. */
export function withServerNames(
  asked: Pick<Asked, 'configuration' | 'place'>,
  operation: Operation,
): { operations: Operation[]; doors: Ask[] } {
  if (operation.entity !== 'certificate' || operation.kind === 'delete') {
    return { operations: [operation], doors: [] }
  }
  const { snis: given, ...body } = operation.body ?? {}
  const { at, workspace } = operation
  const { id, name } = subjectOf(asked, { ...operation, body })
  const listed = namesIn(given)
  const certificate: Operation = { ...operation, ...(at === undefined ? {} : { at: id }) }
  const whole = { ...certificate, body: at === undefined ? { ...body, id } : body }
  if (listed === undefined && name === undefined) return { operations: [whole], doors: [] }
  const wanted = [...new Set([...(name === undefined ? [] : [name]), ...(listed ?? [])])]
  const changes = namesToChange(asked, { id, workspace }, wanted)
  const doorTo = ({ kind, at: name }: Operation): Ask => ({
    workspace: asked.place,
    path: ownPath('sni', name),
    action: kind === 'delete' ? 'delete' : 'create',
  })
  return { operations: [whole, ...changes], doors: changes.map(doorTo) }
}

/** The id of the certificate that an operation is about, and the server name under which a new one is put. */
function subjectOf(
  { configuration }: Pick<Asked, 'configuration'>,
  { at, workspace, body }: Operation,
): { id: string; name?: string } {
  const given = body?.['id']
  const fresh = typeof given === 'string' ? given : uuidv4()
  if (at === undefined) return { id: fresh }
  const known = configuration.find({ entity: 'certificate', workspace, at })
  if (known !== undefined) return { id: known.id }
  return uuidPattern.test(at) ? { id: at } : { id: fresh, name: at }
}

/** The operations after which a certificate has exactly these names. */
function namesToChange(
  { configuration }: Pick<Asked, 'configuration'>,
  { id, workspace }: Pick<Entry, 'id' | 'workspace'>,
  wanted: readonly string[],
): Operation[] {
  const entity = 'sni'
  const within = { field: 'certificate', id }
  const had = configuration
    .list({ entity, workspace, within })
    .map(({ fields }) => String(fields['name']))
  const fresh = wanted.filter((name) => !had.includes(name.toLowerCase()))
  for (const name of fresh) {
    const other = configuration.find({ entity, workspace, at: name.toLowerCase() })
    if (other === undefined) continue
    const owner = referenceIn(other, 'certificate') ?? ''
    throw schemaViolation({
      snis: `${name} already associated with existing certificate '${owner}'`,
    })
  }
  const kept = new Set(wanted.map((name) => name.toLowerCase()))
  return [
    ...had
      .filter((name) => !kept.has(name))
      .map((at): Operation => ({ kind: 'delete', entity, workspace, at })),
    ...fresh.map((name): Operation => {
      const body = { name, certificate: { id } }
      return { kind: 'create', entity, workspace, body }
    }),
  ]
}

function namesIn(given: unknown): string[] | undefined {
  if (given === undefined || given === null) return undefined
  const names = typeof given === 'string' ? [given] : given
  if (Array.isArray(names) && names.every((name): name is string => typeof name === 'string')) {
    return [...new Set(names)]
  }
  throw schemaViolation({ snis: 'expected a set' })
}
