import { hashPassword } from '../identity/password.ts'
import { violationsOf } from '../schema/violations.ts'
import { principal } from '../schema/principal.ts'
import { schemaViolation } from './kong-problem.ts'
import type { Operation } from './operation.ts'

/** The operations with the passwords of principals checked and hashed, which takes long and therefore waits for nobody's turn. */
export function hashPasswords(operations: readonly Operation[]): Promise<Operation[]> {
  return Promise.all(operations.map(hashed))
}

async function hashed(operation: Operation): Promise<Operation> {
  const password = operation.body?.['password']
  if (operation.entity !== 'principal' || password === undefined || password === null) {
    return operation
  }
  const parsed = principal.fields.pick({ password: true }).safeParse({ password })
  if (!parsed.success) throw schemaViolation(violationsOf(parsed.error))
  return {
    ...operation,
    body: { ...operation.body, password: await hashPassword(parsed.data.password ?? '') },
  }
}
