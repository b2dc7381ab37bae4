import fc from 'fast-check'
import { buildRights } from '../../src/access/build-rights.ts'
import { namesIn } from './names-in.ts'
import type { RuledRow } from '../../src/access/decide-row.ts'
import type { HeldRole, Rights, RightsSource } from '../../src/access/rights.ts'
import type { Action } from '../../src/entities/action.ts'
import type { Stored } from '../../src/entities/entry.ts'
import { defaultWorkspace } from '../../src/entities/default-workspace.ts'

const id = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`

/** Workspaces of the configuration for which rights are generated. */
export const workspaces = [
  { id: defaultWorkspace.id, name: defaultWorkspace.name },
  { id: id(1), name: 'A' },
  { id: id(2), name: 'B' },
] as const

/** Its services: some names occur in several workspaces, and one service has no name. */
export const services = [
  { id: id(11), workspace: id(1), name: 'orders' },
  { id: id(12), workspace: id(1), name: 'billing' },
  { id: id(13), workspace: id(1), name: null },
  { id: id(21), workspace: id(2), name: 'orders' },
  { id: id(31), workspace: defaultWorkspace.id, name: 'billing' },
] as const

/** Its routes: one has no service. */
export const routes = [
  { id: id(111), workspace: id(1), name: 'list', service: { id: id(11) } },
  { id: id(112), workspace: id(1), name: 'orders', service: { id: id(12) } },
  { id: id(113), workspace: id(1), name: 'alone', service: null },
  { id: id(211), workspace: id(2), name: 'list', service: { id: id(21) } },
] as const

/** Its consumers: one name occurs in two workspaces. */
export const consumers = [
  { id: id(411), workspace: id(1), name: 'ann' },
  { id: id(412), workspace: id(1), name: 'Bob' },
  { id: id(421), workspace: id(2), name: 'ann' },
] as const

/** The names that rules refer to. */
export const names = namesIn({ workspaces, services, routes, callers: consumers })

/** Values of the second segment of a generated path. */
export const pathNames = [
  'orders',
  'billing',
  'list',
  'gone',
  'ann',
  'Bob',
  id(11),
  id(21),
  id(111),
  id(411),
] as const
const segment = fc.constantFrom('*', ...pathNames)
const endpoint = fc.oneof(
  fc.constantFrom('*', '/services', '/routes', '/consumers', '/*', '/services/*', '/routes/*'),
  fc
    .tuple(fc.constantFrom('services', 'routes', 'consumers', '*'), segment)
    .map((parts) => `/${parts.join('/')}`),
  fc.constantFrom('/services/*/routes', '/services/orders/routes/list'),
  fc.constantFrom('*', 'ann', 'Bob', id(411)).map((name) => `/consumers/${name}`),
)
const actions = fc.oneof(
  { arbitrary: fc.constant<Action[]>(['read']), weight: 4 },
  {
    arbitrary: fc.subarray<Action>(['create', 'read', 'update', 'delete'], { minLength: 1 }),
    weight: 1,
  },
)
const negative = fc.oneof(
  { arbitrary: fc.constant(false), weight: 2 },
  { arbitrary: fc.constant(true), weight: 1 },
)
const stored = { id: id(0), created_at: 0, updated_at: 0, comment: null, role: { id: id(0) } }

/** One endpoint permission. */
export const arbitraryEndpoint: fc.Arbitrary<Stored<'endpoint-permission'>> = fc
  .record({
    workspace: fc.constantFrom('*', 'A', 'A', 'B', 'default', 'gone'),
    endpoint,
    actions,
    negative,
  })
  .map((permission) => ({ ...stored, ...permission }))

/** One entity permission. */
export const arbitraryEntity: fc.Arbitrary<Stored<'entity-permission'>> = fc
  .record({
    entity_id: fc.constantFrom(
      '*',
      ...[...workspaces, ...services, ...routes, ...consumers].map((one) => one.id),
    ),
    entity_type: fc.constantFrom('wildcard', 'services', 'routes', 'consumers', 'workspaces'),
    actions,
    negative,
  })
  .map((permission) => ({ ...stored, ...permission }))

const arbitraryHeld: fc.Arbitrary<HeldRole> = fc.record({
  role: fc.constantFrom({ id: id(91), name: 'developer' }, { id: id(92), name: 'auditor' }),
  workspace: fc.constantFrom(...workspaces),
  endpoints: fc.array(arbitraryEndpoint, { maxLength: 4 }),
  entities: fc.array(arbitraryEntity, { maxLength: 2 }),
})

/** The input of buildRights. */
export const arbitrarySource: fc.Arbitrary<RightsSource> = fc.record({
  principal: fc.constant({ id: id(90), name: 'somebody', kind: 'user' }),
  held: fc.array(arbitraryHeld, { maxLength: 3 }),
  revision: fc.constant(7),
})

export const arbitraryRights: fc.Arbitrary<Rights> = arbitrarySource.map((source) =>
  buildRights(source, names),
)

const text = (...values: string[]) => fc.constantFrom('', 'gone', ...values)

type PlainRow = Required<{ [Column in keyof RuledRow]: string }>

const oddRow: fc.Arbitrary<PlainRow> = fc.record({
  workspace: text(...workspaces.map((one) => one.id)),
  workspace_name: text('A', 'B', 'default'),
  service: text(...services.map((one) => one.id)),
  service_name: text('orders', 'billing'),
  route: text(...routes.map((one) => one.id)),
  route_name: text('list', 'orders', 'alone'),
  consumer: text(...consumers.map((one) => one.id)),
  consumer_name: text('ann', 'Bob'),
})

const presentRow: fc.Arbitrary<PlainRow> = fc.constantFrom(
  ...routes.map((route) => {
    const service = services.find(({ id }) => id === route.service?.id)
    return {
      workspace: route.workspace,
      workspace_name: workspaces.find(({ id }) => id === route.workspace)?.name ?? '',
      service: service?.id ?? '',
      service_name: service?.name ?? '',
      route: route.id,
      route_name: route.name,
      consumer: '',
      consumer_name: '',
    }
  }),
)

/** A row of the warehouse, of existing, renamed, deleted or no entities. */
export const arbitraryRow: fc.Arbitrary<PlainRow> = fc.oneof(presentRow, oddRow)
