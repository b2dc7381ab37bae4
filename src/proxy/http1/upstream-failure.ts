import { Problem } from '../../lib/problem.ts'
import { AttemptFailure } from '../walk/ask-upstream.ts'
import { unresolvedName } from '../balance/resolver.ts'

const unresolved: ReadonlySet<string> = new Set(['ENOTFOUND', 'EAI_AGAIN', 'ENODATA'])
const late: ReadonlySet<string> = new Set(['ETIMEDOUT'])

/** Maps an error to Kong's statuses and sentences, where Kong has them: 503 for an unresolved name, 504 for a timeout, 502 otherwise. */
export function toAttemptFailure(error: unknown, stage: 'connect' | 'sent'): AttemptFailure {
  return new AttemptFailure(
    stage,
    error instanceof Problem ? error : problemOf(codeOf(error), error),
  )
}

function problemOf(code: string, cause: unknown): Problem {
  if (unresolved.has(code)) return unresolvedName(cause)
  if (code === 'EGRESS_DENIED')
    return new Problem(
      'upstream.egress',
      502,
      'The address of the upstream server is not allowed',
      {
        cause,
      },
    )
  if (late.has(code))
    return new Problem('upstream.timeout', 504, 'The upstream server is timing out', { cause })
  return new Problem(
    'upstream.invalid',
    502,
    'An invalid response was received from the upstream server',
    { cause },
  )
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0) return codeOf(error.errors[0])
  const { code, cause } = error as { code?: unknown; cause?: unknown }
  if (typeof code === 'string') return code
  return cause === undefined || cause === null ? '' : codeOf(cause)
}
