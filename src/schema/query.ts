import { z } from 'zod'

const member = z
  .string()
  .regex(/^[a-z][a-z0-9_]*\.[a-z0-9_]+$/, { error: 'expected dataset.member' })

/** The bucket sizes of time dimensions. */
export const granularities = [
  'second',
  'ten_seconds',
  'thirty_seconds',
  'minute',
  'five_minutes',
  'fifteen_minutes',
  'hour',
  'day',
  'week',
  'month',
  'quarter',
  'year',
] as const
export type Granularity = (typeof granularities)[number]

/** The filter operators of Cube's query format. */
export const operators = [
  'equals',
  'notEquals',
  'contains',
  'notContains',
  'startsWith',
  'notStartsWith',
  'endsWith',
  'notEndsWith',
  'gt',
  'gte',
  'lt',
  'lte',
  'set',
  'notSet',
  'inDateRange',
  'notInDateRange',
  'beforeDate',
  'beforeOrOnDate',
  'afterDate',
  'afterOrOnDate',
] as const
export type Operator = (typeof operators)[number]

/** A comparison of a member with values, which are strings as in Cube. */
export const condition = z.strictObject({
  member,
  operator: z.enum(operators),
  values: z
    .array(z.union([z.string(), z.number().transform(String), z.boolean().transform(String)]))
    .max(1000)
    .optional(),
})
export type Condition = z.output<typeof condition>

/** A condition, or several joined by and / or. Dimensions and measures cannot share a group. */
export type Filter = Condition | { and: Filter[] } | { or: Filter[] }

export const filter: z.ZodType<Filter> = z.lazy(() =>
  z.union([
    condition,
    z.strictObject({ and: z.array(filter).min(1).max(100) }),
    z.strictObject({ or: z.array(filter).min(1).max(100) }),
  ]),
)

const dateRange = z.union([
  z
    .string()
    .min(1)
    .describe('A relative range such as "last 15 minutes", "today" or "this week", or one date.'),
  z
    .tuple([z.string(), z.string()])
    .describe('Start and end, ISO 8601; without an offset in the time zone of the query.'),
])

/** Cube's JSON query format. Unknown fields and members are errors. */
export const query = z.strictObject({
  measures: z.array(member).max(50).default([]),
  dimensions: z.array(member).max(50).default([]),
  timeDimensions: z
    .array(
      z.strictObject({
        dimension: member,
        granularity: z.enum(granularities).optional(),
        dateRange: dateRange.optional(),
      }),
    )
    .max(1)
    .default([]),
  filters: z.array(filter).max(100).default([]),
  segments: z.array(member).max(20).default([]),
  order: z
    .union([
      z.record(member, z.enum(['asc', 'desc'])),
      z.array(z.tuple([member, z.enum(['asc', 'desc'])])),
    ])
    .optional(),
  limit: z.int().min(1).max(50_000).optional(),
  offset: z.int().min(0).optional(),
  timezone: z.string().default('UTC'),
  ungrouped: z
    .boolean()
    .default(false)
    .describe('Returns the rows of the dataset instead of groups; not allowed with measures.'),
})

export type Query = z.output<typeof query>
/** A query before defaults are filled in. */
export type QueryInput = z.input<typeof query>
