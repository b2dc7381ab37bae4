import type { Ask } from '../access/rights.ts'
import type { Change } from '../control/change-configuration.ts'
import type { Body, Operation, Outcome } from '../control/operation.ts'
import type { AuditRecord } from '../schema/audit-record.ts'
import { Problem } from '../lib/problem.ts'
import type { Asked } from './admin-route.ts'
import { withServerNames } from './with-server-names.ts'
import { withUserToken } from './user-token.ts'

/** Makes the change a request asks for; all operations happen, or none. */
export function makeChange(
  { configuration, principal, question, request }: Asked,
  operations: readonly Operation[],
  status: number,
): Promise<Change> {
  return configuration.change({
    asker: { principal },
    question,
    origin: originOf(request, question.ask),
    operations,
    status,
  })
}

/** The outcome of a change that is about one entity. */
export async function changeOne(
  asked: Asked,
  operation: Operation,
  status: number,
): Promise<Outcome> {
  const { operations, doors } = withServerNames(asked, operation)
  const { skip_hash: skip } = asked.request.query as Record<string, unknown>
  const all = operations
    .flatMap((one) => withUserToken(asked.configuration, one))
    // decK moves credentials of which it knows only the hash.
    .map((one) =>
      skip === 'true' && one.entity === 'basic-auth' ? { ...one, isHashed: true } : one,
    )
  const { question } = asked
  const whole = { ...question, doors: [...(question.doors ?? []), ...doors] }
  const { outcomes } = await makeChange({ ...asked, question: whole }, all, status)
  return outcomes[0] as Outcome
}

/** From where a request comes. Its path is the one that was decided about, in which a secret key stands as an id. */
export const originOf = (
  { id, ip, method, url }: Asked['request'],
  ask?: Ask,
): Pick<AuditRecord, 'requestId' | 'address' | 'method' | 'path'> => ({
  requestId: id,
  address: ip,
  method,
  path: ask?.path ?? url.split('?', 1)[0] ?? url,
})

/** The body of a request as named values; nothing is no values. */
export function bodyIn({ request: { body } }: Pick<Asked, 'request'>): Body {
  if (body === undefined || body === null) return {}
  if (typeof body === 'object' && !Array.isArray(body)) return body as Body
  throw new Problem('admin.body', 400, 'Cannot parse JSON body')
}
