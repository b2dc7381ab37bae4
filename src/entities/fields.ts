import { z } from 'zod'

/** A UUID in any letter case (RFC 9562 text form), any version, as Kong accepts. */
export const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** A UUID field. */
export const uuid = () => z.string().regex(uuidPattern, { error: 'expected a valid UUID' })

/** May be absent or null; stored and answered as null. */
export const optional = <T extends z.ZodType>(type: T) => type.nullable().default(null as never)

/** A whole number from `least` to `most`, with Kong's sentence when it is outside. */
export const between = (least: number, most: number) =>
  z
    .int({ error: (issue) => (issue.input === undefined ? undefined : 'expected an integer') })
    .refine((value) => value >= least && value <= most, {
      error: `value should be between ${least} and ${most}`,
    })
    .meta({ between: [least, most] })

/** A name usable in a path: ASCII letters, digits, `.`, `-`, `_`, `~`, and any character beyond ASCII. */
export const entityName = () =>
  z
    .string()
    .min(1)
    .refine((value) => /^[\w.~\-\u0080-\u{10ffff}]+$/u.test(value), {
      error: (issue) =>
        `invalid value '${String(issue.input)}': the only accepted ascii characters are alphanumerics or ., -, _, and ~`,
    })

/** A list of tags; printable, without comma and slash. */
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
  )

/** A time span in milliseconds as Kong's timeouts have it. */
export const timeout = () => between(1, 2 ** 31 - 2).default(60_000)

/** A reference to another entity: `{ "id": … }` or `{ "name": … }` in a body, `{ id }` once stored. An id may come with the name beside it, as clients send it that show both; then the id counts. */
export const reference = () =>
  z
    .strictObject(
      {
        id: uuid().optional(),
        name: z.string().min(1).optional(),
        username: z.string().min(1).optional(),
      },
      { error: (issue) => (issue.code === 'invalid_type' ? lonely : undefined) },
    )
    .refine(({ id, name, username }) => (id ?? name ?? username) !== undefined, { error: lonely })
    .transform(({ id, name = '', username }): Readonly<Record<string, string>> =>
      id !== undefined ? { id } : username !== undefined ? { username } : { name },
    )

const lonely = 'expected a record with an id or a name'

/** A host name or address, without a port. */
export const host = () =>
  z
    .string()
    .min(1)
    .refine((value) => isHost(value), { error: (issue) => `invalid value: ${String(issue.input)}` })

/** Whether `value` is a host name, an IPv4 address or an IPv6 address (bare or in brackets). */
export const isHost = (value: string): boolean =>
  /^(?=.{1,253}$)(?!-)[a-z0-9_-]{1,63}(?<!-)(\.[a-z0-9_-]{1,63})*\.?$/i.test(value) || isIpv6(value)

const isIpv6 = (value: string): boolean => URL.canParse(`http://[${value.replace(/^\[|\]$/g, '')}]`)
