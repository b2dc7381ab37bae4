import type { RefusalOf } from './hooks.ts'
import { schemaViolation } from './kong-problem.ts'

/** Refuses a field with an address to which gateways may not connect. */
export function checkAddress(
  field: string,
  host: string,
  port: number,
  refusalOf: RefusalOf,
): void {
  const reason = refusalOf(host, port)
  if (reason !== undefined)
    throw schemaViolation({ [field]: `connections to ${host}:${port} are not allowed: ${reason}` })
}
