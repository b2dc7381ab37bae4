import { z } from 'zod'
import type { ColumnNames } from '../../access/to-predicate.ts'
import type { Format } from '../../schema/answer.ts'
import { reservedNames } from '../../entities/reserved-names.ts'
import type { Table } from '../../warehouse/tables.ts'
import type { Dataset, Member, Policy } from './dataset.ts'

const formats = [
  'number',
  'percent',
  'milliseconds',
  'bytes',
  'per_second',
  'text',
  'time',
  'id',
] as const satisfies readonly Format[]

const name = z
  .string()
  .regex(/^[a-z][a-z0-9_]*$/, { error: 'expected lower-case letters, digits and underscores' })
const text = z.string().min(1)
const words = { title: text, about: text }

const dimension = z.strictObject({
  ...words,
  type: z.enum(['string', 'number', 'time']).default('string'),
  format: z.enum(formats).default('text'),
  list: z.boolean().default(false),
  sql: text,
})
const measure = z.strictObject({
  ...words,
  type: z.enum(['number', 'time']).default('number'),
  format: z.enum(formats),
  empty: z.number().optional(),
  sql: text,
})
const segment = z.strictObject({ ...words, sql: text })

/** The columns with the id of an entity and the name that it had when the row was recorded. */
const reference = z.strictObject({ id: text, name: text })
const collection = z.string().refine((segment_) => reservedNames.has(segment_), {
  error: ({ input }) => `'${String(input)}' is not a collection of the Admin API`,
})

const policy = z.strictObject({
  rows: z.discriminatedUnion('rule', [
    z.strictObject({
      rule: z.literal('service_or_route'),
      workspace: reference,
      service: reference,
      route: reference,
    }),
    z.strictObject({
      rule: z.literal('collection'),
      collection,
      workspace: z.union([z.literal('none'), reference], {
        error: `expected 'none' or the columns id and name`,
      }),
    }),
  ]),
  identity: z.union(
    [
      z.literal('none'),
      z.strictObject({
        collection,
        /** Noun for the columns in sentences. */
        noun: text.default('callers'),
        columns: z.array(text),
        consumer: reference.optional(),
      }),
    ],
    {
      error: `expected 'none' or a collection of the Admin API and columns`,
    },
  ),
})

const declaration = z.strictObject({
  name,
  ...words,
  /** Noun for rows in the singular and plural. */
  noun: z.strictObject({ one: text, many: text }),
  table: text,
  policy,
  time: name,
  dimensions: z.record(name, dimension),
  measures: z.record(name, measure),
  segments: z.record(name, segment).default({}),
})

type Declaration = z.output<typeof declaration>

/** The schema of a dataset over one of these tables, and its conversion. A policy that does not fit the table is an error. */
export const datasetSchema = (tables: readonly Table[]): z.ZodType<Dataset> =>
  declaration
    .superRefine((declared, context) => {
      const report: Report = (path, message) => {
        context.addIssue({ code: 'custom', path: [...path], message })
      }
      const table = tables.find((one) => one.name === declared.table)
      if (table === undefined) {
        const known = tables.map((one) => one.name).join(', ')
        return report(['table'], `there is no table '${declared.table}', expected one of: ${known}`)
      }
      checkPolicy(declared.policy, table, report)
      checkMembers(declared, table, report)
    })
    .transform((declared) =>
      build(declared, tables.find((one) => one.name === declared.table) as Table),
    )

type Report = (path: readonly (string | number)[], message: string) => void

function checkPolicy({ rows, identity }: Declaration['policy'], table: Table, report: Report) {
  for (const [kind, columns] of Object.entries(rows)) {
    if (typeof columns === 'string') continue
    for (const [part, column] of Object.entries(columns))
      if (!isText(table, column))
        report(['policy', 'rows', kind, part], `'${column}' is not a text column of ${table.name}`)
  }
  if (identity === 'none') return
  for (const [part, column] of Object.entries(identity.consumer ?? {}))
    if (!isText(table, column))
      report(
        ['policy', 'identity', 'consumer', part],
        `'${column}' is not a text column of ${table.name}`,
      )
  identity.columns.forEach((column, at) => {
    if (!isText(table, column) && !isList(table, column))
      report(
        ['policy', 'identity', 'columns', at],
        `'${column}' is not a text or list column of ${table.name}`,
      )
  })
}

function checkMembers(declared: Declaration, table: Table, report: Report): void {
  const { dimensions, measures, segments, time } = declared
  const kinds = { dimensions, measures, segments }
  const seen = new Set<string>()
  for (const [kind, members] of Object.entries(kinds))
    for (const member of Object.keys(members)) {
      if (seen.has(member)) report([kind, member], `'${member}' is declared twice`)
      seen.add(member)
    }
  const clock = dimensions[time]
  if (clock?.type !== 'time') report(['time'], `'${time}' is not a dimension of type time`)
  else if (!(typeOf(table, clock.sql) ?? '').startsWith('DateTime64'))
    report(['dimensions', time, 'sql'], `expected a DateTime64 column of ${table.name}`)
}

const typeOf = ({ columns }: Table, column: string): string | undefined =>
  Object.hasOwn(columns, column) ? columns[column]?.type : undefined

const isText = (table: Table, column: string): boolean =>
  ['String', 'LowCardinality(String)'].includes(typeOf(table, column) ?? '')

const isList = (table: Table, column: string): boolean =>
  ['Array(String)', 'Array(LowCardinality(String))'].includes(typeOf(table, column) ?? '')

function build(declared: Declaration, table: Table): Dataset {
  const { title, about, noun, dimensions, measures, segments } = declared
  const built = policyOf(declared.policy)
  const member = (short: string, given: Partial<Member> & Pick<Member, 'sql'>): Member => {
    const columns = columnsIn(given.sql, table)
    const identity = columns.some((column) => built.identity?.columns.has(column))
    return {
      ...(defaults as Member),
      ...given,
      name: `${declared.name}.${short}`,
      columns,
      identity,
    }
  }
  const members = [
    ...Object.entries(dimensions).map(([short, one]) => member(short, one)),
    ...Object.entries(measures).map(([short, { empty, ...one }]) =>
      member(short, { ...one, empty: empty ?? null, kind: 'measure' }),
    ),
    ...Object.entries(segments).map(([short, one]) =>
      member(short, { ...one, kind: 'segment', type: 'boolean' }),
    ),
  ]
  const byName = new Map(members.map((one) => [one.name, one]))
  const time = byName.get(`${declared.name}.${declared.time}`) as Member
  const newest: Partial<Member> = { kind: 'measure', type: 'time', format: 'time' }
  return {
    name: declared.name,
    title,
    about,
    noun,
    table,
    policy: built,
    time,
    // No declared member can have this name.
    newest: member('_newest', { ...newest, title, about, sql: `max(${time.sql})` }),
    members: byName,
  }
}

const defaults: Partial<Member> = { kind: 'dimension', format: 'text', list: false, empty: null }

function policyOf({ rows, identity }: Declaration['policy']): Policy {
  const built =
    identity === 'none' ? undefined : { ...identity, columns: new Set(identity.columns) }
  const consumer = built?.consumer
  const callers: ColumnNames =
    consumer === undefined ? {} : { consumer: consumer.id, consumer_name: consumer.name }
  if (rows.rule === 'service_or_route') {
    const { workspace, service, route } = rows
    const columns: ColumnNames = {
      workspace: workspace.id,
      workspace_name: workspace.name,
      service: service.id,
      service_name: service.name,
      route: route.id,
      route_name: route.name,
      ...callers,
    }
    return { rows: { rule: rows.rule }, columns, identity: built }
  }
  const { rule, collection: read, workspace } = rows
  return workspace === 'none'
    ? { rows: { rule, collection: read, hasWorkspace: false }, columns: callers, identity: built }
    : {
        rows: { rule, collection: read, hasWorkspace: true },
        columns: { workspace: workspace.id, workspace_name: workspace.name, ...callers },
        identity: built,
      }
}

/** The columns that an expression reads: its words outside of string literals that name columns. */
function columnsIn(sql: string, { columns }: Table): readonly string[] {
  const found = sql.replaceAll(/'[^']*'/g, '').match(/[a-z_][a-z0-9_]*/gi) ?? []
  return [...new Set(found)].filter((word) => Object.hasOwn(columns, word))
}
