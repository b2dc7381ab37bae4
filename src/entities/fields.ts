import { z } from 'zod'

/** A UUID of any version in the text form of RFC 9562, in any letter case, as Kong accepts. */
export const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

export const uuid = () => z.string().regex(uuidPattern, { error: 'expected a valid UUID' })

/** Absent or null; stored and answered as null. */
export const optional = <T extends z.ZodType>(type: T) => type.nullable().default(null as never)

/** An integer from `min` to `max`, with Kong's error message. */
export const between = (min: number, max: number) =>
  z
    .int({ error: (issue) => (issue.input === undefined ? undefined : 'expected an integer') })
    .refine((value) => value >= min && value <= max, {
      error: `value should be between ${min} and ${max}`,
    })
    .meta({ between: [min, max] })

/** A name usable in a path: ASCII letters, digits, `.`, `-`, `_`, `~`, and non-ASCII characters. */
export const entityName = () =>
  z
    .string()
    .min(1)
    .refine((value) => /^[\w.~\-\u0080-\u{10ffff}]+$/u.test(value), {
      error: (issue) =>
        `invalid value '${String(issue.input)}': the only accepted ascii characters are alphanumerics or ., -, _, and ~`,
    })

/** Printable tags without comma and slash. */
export const tags = () =>
  optional(
    z.array(
      z
        .string()
        .min(1)
        .refine((value) => !/[,/\p{Cc}]/u.test(value), {
          error: (issue) =>
            `invalid tag '${String(issue.input)}': expected printable ascii (except \`,\` and \`/\`) or valid utf-8 sequences`,
        }),
    ),
  ).describe(
    'Tags for filtering lists and selecting entities of a document: printable, without comma and slash.',
  )

/** A timeout in milliseconds, with Kong's limits and default. */
export const timeout = () => between(1, 2 ** 31 - 2).default(60_000)

/** A reference to another entity: `{ "id": … }` or `{ "name": … }` in a body, `{ id }` once stored. When a client sends both, the id takes precedence. */
export const reference = () =>
  z
    .strictObject(
      {
        id: uuid().optional(),
        name: z.string().min(1).optional(),
        username: z.string().min(1).optional(),
      },
      { error: (issue) => (issue.code === 'invalid_type' ? expectedReference : undefined) },
    )
    .refine(({ id, name, username }) => (id ?? name ?? username) !== undefined, {
      error: expectedReference,
    })
    .transform(({ id, name = '', username }): Readonly<Record<string, string>> =>
      id !== undefined ? { id } : username !== undefined ? { username } : { name },
    )

const expectedReference = 'expected a record with an id or a name'

/** A host name or address, without a port. */
export const host = () =>
  z
    .string()
    .min(1)
    .refine((value) => isHost(value), {
      error: (issue) =>
        /^[^:]*:\d+$/.test(String(issue.input))
          ? 'must not have a port'
          : `invalid value: ${String(issue.input)}`,
    })

/**
 * Whether `value` is a host name, an IPv4 address or an IPv6 address (bare or in brackets). As in Kong, labels may begin
 * with a dash, contain underscores and have any length; DNS decides about the rest.
 */
export function isHost(value: string): boolean {
  if (value.includes(':')) return isIpv6(value)
  if (/^[\d.]+$/.test(value)) return isIpv4(value)
  return /^(?:[\w-]*\w\.)*[\w-]*\w\.?$/.test(value)
}

const isIpv4 = (value: string): boolean => {
  const numbers = value.split('.')
  return numbers.length === 4 && numbers.every((one) => /^\d{1,3}$/.test(one) && Number(one) < 256)
}

const isIpv6 = (value: string): boolean => URL.canParse(`http://[${value.replace(/^\[|\]$/g, '')}]`)
