import { z } from 'zod'
import type { Rights } from '../../access/rights.ts'
import type { LastUses } from '../../analytics/find-last-uses.ts'
import { entities, entityNamed, type Entity } from '../../entities/entities.ts'
import { labelOf, referenceIn, type Entry } from '../../entities/entry.ts'
import { schemaViolation } from '../../entities/kong-problem.ts'
import { violationsOf } from '../../entities/violations.ts'
import { Problem } from '../../lib/problem.ts'
import { unidentified } from '../../control/permit.ts'
import { readableLookup } from '../../control/reader.ts'
import { describeVisibility, type Visibility } from '../../schema/answer.ts'
import type { CredentialLine, CredentialReport } from '../../schema/credential-report.ts'
import type { AdminRoute, RequestContext } from '../admin-route.ts'
import { hasAny } from '../entities/collection-route.ts'
import { readableEntries } from '../entities/may-read-entry.ts'
import { secondsOf } from '../entities/present-entry.ts'
import { locateAt } from '../entities/schema-routes.ts'

/** Finds when credentials were last used, within the rights of a principal; absent where nothing is recorded. */
export type FindLastUses = (rights: Rights, ids: readonly string[]) => Promise<LastUses>

/** `GET /credentials`: the credentials that the principal may read, with age, last use and expiry, without secrets. */
export const credentialReportRoute = (findLastUses: FindLastUses | undefined): AdminRoute => ({
  path: '/credentials',
  isFiltered: true,
  locate: (context) => locateAt('/credentials', context),
  methods: { GET: (context) => report(context, findLastUses) },
})

type Kind = { readonly entity: Entity; readonly hooks: NonNullable<Entity['credential']> }

const kinds = (entities as readonly Entity[]).flatMap((entity): Kind[] =>
  entity.credential === undefined ? [] : [{ entity, hooks: entity.credential }],
)
const kindNames = kinds.map(({ entity }) => entity.name)

const units: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** Seconds, or a number with one of the units s, m, h and d. */
const duration = z
  .string()
  .regex(/^\d{1,9}[smhd]?$/, { error: 'expected seconds, or a number with s, m, h or d' })
  .transform((text) => Number.parseInt(text, 10) * (units[text.at(-1) ?? ''] ?? 1))
  .optional()

const filters = z.strictObject({
  kind: z
    .string()
    .refine((name) => kindNames.includes(name as Entity['name']), {
      error: `expected one of: ${kindNames.join(', ')}`,
    })
    .optional(),
  consumer: z.string().min(1).optional(),
  older_than: duration,
  unused_for: duration,
  expires_within: duration,
  expired: z.enum(['true', 'false']).optional(),
  size: z.coerce.number().int().min(1).max(1000).default(100),
  offset: z.string().optional(),
})

type Filters = z.output<typeof filters>

/** Credentials whose last uses are found together, where these decide. */
const maxChunk = 1_000

async function report(
  context: RequestContext,
  findLastUses: FindLastUses | undefined,
): Promise<CredentialReport> {
  const parsed = filters.safeParse(context.request.query)
  if (!parsed.success) throw schemaViolation(violationsOf(parsed.error))
  const wanted = parsed.data
  const now = secondsOf(context.configuration)
  for (const entity of kindNames) await context.configuration.prepareList({ entity })
  if (context.refusal !== undefined && !hasAny(candidates(context, { size: 1 }, now)))
    throw context.refusal
  const uses = await openUses(context, findLastUses)
  // One more than the page says whether there is another.
  const chunk = wanted.unused_for === undefined ? wanted.size + 1 : maxChunk
  const data: CredentialLine[] = []
  let pending: CredentialLine[] = []
  const settle = async (): Promise<void> => {
    data.push(...(await uses.addTo(pending)).filter((line) => isUnused(line, wanted, now)))
    pending = []
  }
  for (const line of candidates(context, wanted, now)) {
    pending.push(line)
    if (pending.length === chunk) await settle()
    if (data.length > wanted.size) break
  }
  await settle()
  const last = data.length > wanted.size ? data[wanted.size - 1] : undefined
  return {
    data: data.slice(0, wanted.size),
    offset: last === undefined ? null : `${last.kind}:${last.id}`,
    last_use: uses.note(),
  }
}

/** In order of kind and id, from the offset on. Last use is not known yet. */
function* candidates(
  context: RequestContext,
  wanted: Partial<Filters>,
  now: number,
): Iterable<CredentialLine> {
  const from = positionOf(wanted.offset)
  for (const [index, kind] of kinds.entries()) {
    const { name } = kind.entity
    if (index < from.kind || (wanted.kind !== undefined && wanted.kind !== name)) continue
    const after = index === from.kind ? from.after : undefined
    const list = { entity: name, workspace: context.workspaceRef.id, after }
    for (const entry of readableEntries(context, list)) {
      if (after !== undefined && entry.id <= after.id) continue
      const line = describe(context, kind, entry, now)
      if (isWanted(line, wanted)) yield line
    }
  }
}

/** Where an offset is: `kind:id` of the last line before. */
function positionOf(offset: string | undefined) {
  if (offset === undefined) return { kind: 0, after: undefined }
  const [name = '', id = ''] = offset.split(':')
  const kind = kindNames.indexOf(name as Entity['name'])
  if (kind < 0) throw new Problem('credentials.offset', 400, 'offset: not of this report')
  return { kind, after: { sortKey: '', id } }
}

function describe(
  { configuration, principal }: RequestContext,
  { entity, hooks }: Kind,
  entry: Entry,
  now: number,
): CredentialLine {
  const consumer = referenceIn(entry, 'consumer') ?? ''
  const lookup = readableLookup(configuration.lookup, configuration.readerFor(principal))
  const { workspace } = entry
  const known = lookup.find(entityNamed('consumer'), { workspace, at: consumer })
  const { issuedAt, expiresAt, overlapsUntil } = hooks.times(entry)
  return {
    id: entry.id,
    kind: entity.name,
    name: hooks.label?.(entry) ?? null,
    consumer: { id: consumer, name: (known && labelOf(known)) ?? null },
    created_at: entry.createdAt,
    issued_at: issuedAt,
    age: Math.max(0, now - issuedAt),
    expires_at: expiresAt,
    is_expired: (expiresAt ?? Infinity) <= now,
    previous_expires_at: (overlapsUntil ?? 0) > now ? overlapsUntil : null,
    last_used_at: null,
  }
}

function isWanted(line: CredentialLine, wanted: Partial<Filters>): boolean {
  const { consumer, older_than: olderThan, expires_within: within, expired } = wanted
  return (
    (consumer === undefined || consumer === line.consumer.id || consumer === line.consumer.name) &&
    (olderThan === undefined || line.age >= olderThan) &&
    (within === undefined || isWithin(line, within)) &&
    (expired === undefined || (expired === 'true') === line.is_expired)
  )
}

const isWithin = ({ expires_at: expires, issued_at, age }: CredentialLine, seconds: number) =>
  expires !== null && expires <= issued_at + age + seconds

const isUnused = (
  { last_used_at: used, age }: CredentialLine,
  { unused_for: seconds }: Filters,
  now: number,
): boolean =>
  seconds === undefined ||
  (used === null ? age >= seconds : Date.parse(used) <= (now - seconds) * 1000)

const showsCallers = ({ scope, callers }: Visibility): boolean =>
  scope !== 'nothing' && callers?.scope !== 'nothing'

/** Last uses, as far as the principal may see them. */
async function openUses(context: RequestContext, find: FindLastUses | undefined) {
  const rights = context.configuration.rightsOf(context.principal)
  if (rights === undefined) throw unidentified()
  let note: CredentialReport['last_use'] = {
    is_known: false,
    statement: 'No requests are recorded here.',
  }
  return {
    note: () => note,
    async addTo(lines: readonly CredentialLine[]): Promise<readonly CredentialLine[]> {
      if (find === undefined || lines.length === 0) return lines
      try {
        const { times, visibility } = await find(
          rights,
          lines.map(({ id }) => id),
        )
        note = { is_known: showsCallers(visibility), statement: describeVisibility(visibility) }
        return lines.map((line) => ({ ...line, last_used_at: times.get(line.id) ?? null }))
      } catch (error) {
        // Identity columns are masked for the principal, or it may read no requests.
        if (!(error instanceof Problem) || ![403, 404].includes(error.status)) throw error
        note = { is_known: false, statement: error.message }
        return lines
      }
    },
  }
}
