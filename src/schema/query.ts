import { z } from 'zod'

const member = z.string().regex(/^[a-z_]+\.[a-z0-9_]+$/, { error: 'expected dataset.member' })

/** Sizes into which a time dimension may be cut. */
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
/** One size into which a time dimension may be cut. */
export type Granularity = (typeof granularities)[number]

/** Comparisons of Cube's query format. */
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
/** One comparison. */
export type Operator = (typeof operators)[number]

/** One comparison of a member with values; values are text, as in Cube. */
export const condition = z.strictObject({
  member,
  operator: z.enum(operators),
  values: z
    .array(z.union([z.string(), z.number().transform(String), z.boolean().transform(String)]))
    .max(1000)
    .optional(),
})
/** One comparison. */
export type Condition = z.output<typeof condition>

/** A comparison, or several joined by and / or. Dimensions and measures cannot share a group. */
export type Filter = Condition | { and: Filter[] } | { or: Filter[] }

/** A filter as it arrives. */
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
    .describe('Relative words, such as "last 15 minutes", "today", "this week", or one date.'),
  z
    .tuple([z.string(), z.string()])
    .describe('From and to, ISO 8601; without an offset they are in the query’s time zone.'),
])

/** A question in a dataset's words: Cube's JSON query format, closed. Unknown members are refused, never ignored. */
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
    .describe('One row of the answer for each row of the dataset; no measures then.'),
})

/** A parsed question. */
export type Query = z.output<typeof query>
/** A question as it is asked, with defaults left out. */
export type QueryInput = z.input<typeof query>
