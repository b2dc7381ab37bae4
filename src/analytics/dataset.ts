import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'
import type { Format } from '../schema/answer.ts'
import { auditColumns } from '../schema/audit-columns.ts'
import { eventColumns } from '../schema/event.ts'

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

const words = { title: z.string().min(1), about: z.string().min(1) }
const memberName = z.string().regex(/^[a-z][a-z0-9_]*$/)
const columnName = z.string().min(1)

/** The columns of each table. */
const tables = { requests: eventColumns, audit: auditColumns } as const

const dimension = z.strictObject({
  ...words,
  type: z.enum(['string', 'number', 'time']).default('string'),
  format: z.enum(formats).default('text'),
  list: z.boolean().default(false),
  sql: z.string().min(1),
})
const measure = z.strictObject({
  ...words,
  type: z.enum(['number', 'time']).default('number'),
  format: z.enum(formats),
  empty: z.number().optional(),
  sql: z.string().min(1),
})
const segment = z.strictObject({ ...words, sql: z.string().min(1) })

const declaration = z.strictObject({
  name: memberName,
  ...words,
  table: z.enum(['requests', 'audit']),
  time: memberName,
  identity: z.array(columnName),
  dimensions: z.record(memberName, dimension),
  measures: z.record(memberName, measure),
  segments: z.record(memberName, segment),
})

/** One word of a dataset. Its SQL is ours, never a caller's. */
export type Member = {
  /** dataset.member */
  readonly name: string
  readonly kind: 'dimension' | 'measure' | 'segment'
  readonly title: string
  readonly about: string
  readonly type: 'string' | 'number' | 'time' | 'boolean'
  readonly format: Format
  /** Whether its values are lists of text. */
  readonly list: boolean
  /** What a measure is where there are no rows. */
  readonly empty: number | null
  readonly sql: string
  /** The columns that its SQL reads. */
  readonly columns: readonly string[]
  /** Whether it tells who called. */
  readonly identity: boolean
}

/** A governed table with the words in which it is asked about. */
export type Dataset = {
  readonly name: string
  readonly title: string
  readonly about: string
  readonly table: string
  /** Whether its table keeps a row several times until it is merged. */
  readonly isMerged: boolean
  /** By whose permissions rows are seen: those of services and routes, or those of the audit log. */
  readonly policy: 'traffic' | 'audit'
  /** The columns of its table. */
  readonly columns: Readonly<Record<string, { readonly type: string }>>
  /** The time dimension. */
  readonly time: Member
  /** Columns that tell who called. */
  readonly identity: ReadonlySet<string>
  /** By full name, in the order of the declaration. */
  readonly members: ReadonlyMap<string, Member>
}

/** Reads a dataset from its declaration; a mistake in it ends the start. */
export function readDataset(file: URL): Dataset {
  return buildDataset(parse(readFileSync(file, 'utf8')))
}

/** The dataset that a declaration describes. */
export function buildDataset(declared: unknown): Dataset {
  const { name, title, about, table, time, ...rest } = declaration.parse(declared)
  const identity = new Set(rest.identity)
  const known = tables[table]
  const stray = rest.identity.find((column) => !Object.hasOwn(known, column))
  if (stray !== undefined) throw new TypeError(`${name}: ${stray} is no column of ${table}`)
  const build = (short: string, member: Partial<Member> & Pick<Member, 'sql'>): Member => {
    const columns = columnsIn(member.sql, known)
    return {
      ...plain,
      ...(member as Member),
      name: `${name}.${short}`,
      columns,
      identity: columns.some((column) => identity.has(column)),
    }
  }
  const members = [
    ...Object.entries(rest.dimensions).map(([short, one]) => build(short, one)),
    ...Object.entries(rest.measures).map(([short, { empty, ...one }]) =>
      build(short, { ...one, empty: empty ?? null, kind: 'measure' }),
    ),
    ...Object.entries(rest.segments).map(([short, one]) =>
      build(short, { ...one, kind: 'segment', type: 'boolean' }),
    ),
  ]
  const byName = new Map(members.map((member) => [member.name, member]))
  const clock = byName.get(`${name}.${time}`)
  if (clock?.type !== 'time') throw new TypeError(`${name}: ${time} is not a time dimension`)
  if (byName.size < members.length) throw new TypeError(`${name}: a member is declared twice`)
  const isAudit = table === 'audit'
  return {
    name,
    title,
    about,
    table,
    isMerged: isAudit,
    policy: isAudit ? 'audit' : 'traffic',
    columns: known,
    time: clock,
    identity,
    members: byName,
  }
}

const plain = { kind: 'dimension', format: 'text', list: false, empty: null } as const

/** The columns that a fragment reads: its words outside of quotes that are columns. */
function columnsIn(sql: string, known: Dataset['columns']): readonly string[] {
  const found = sql.replaceAll(/'[^']*'/g, '').match(/[a-z_][a-z0-9_]*/gi) ?? []
  return [...new Set(found)].filter((word) => Object.hasOwn(known, word))
}
