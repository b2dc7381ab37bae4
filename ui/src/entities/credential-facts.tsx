import { useQuery } from '@tanstack/react-query'
import type { CredentialLine, CredentialReport } from '../../../src/schema/credential-report.ts'
import { requestJson } from '../api/request-json.ts'
import { formatAge, formatDate } from '../format/format.ts'
import classes from './credential-facts.module.css'

/** Ages, last uses and expiries of the credentials of a consumer, by the id of a credential. */
export type CredentialFacts = ReadonlyMap<string, CredentialLine & { readonly isUseKnown: boolean }>

export function useCredentialFacts(
  workspace: string,
  consumer: string,
  isEnabled: boolean,
): CredentialFacts | undefined {
  const { data } = useQuery({
    queryKey: ['credentials', workspace, consumer],
    queryFn: ({ signal }) =>
      requestJson<CredentialReport>(
        `/admin/${encodeURIComponent(workspace)}/credentials?${new URLSearchParams({ consumer, size: '1000' }).toString()}`,
        { signal },
      ),
    enabled: isEnabled,
    staleTime: 15_000,
  })
  if (data === undefined) return undefined
  const isUseKnown = data.last_use.is_known
  return new Map(data.data.map((line) => [line.id, { ...line, isUseKnown }]))
}

type FactsProps = { readonly facts: CredentialFacts | undefined; readonly id: string }

/** One line: when the secret was set, when it was last used, when it expires. */
export function CredentialFactsLine({ facts, id }: FactsProps) {
  const line = facts?.get(id)
  if (line === undefined) return null
  return <span className={line.is_expired ? classes.expired : classes.facts}>{textOf(line)}</span>
}

function textOf(line: CredentialLine & { readonly isUseKnown: boolean }): string {
  const { issued_at: issued, expires_at: expires, previous_expires_at: previous } = line
  const parts = [`set ${formatAge(issued * 1000, Date.now())}`, usedText(line)]
  if (expires !== null)
    parts.push(`${line.is_expired ? 'expired' : 'expires'} ${formatDate(expires * 1000)}`)
  if (previous !== null) parts.push(`old secret valid until ${formatDate(previous * 1000)}`)
  return parts.join(' · ')
}

function usedText({
  last_used_at: used,
  isUseKnown,
}: CredentialLine & { readonly isUseKnown: boolean }): string {
  if (!isUseKnown) return 'last use not visible'
  return used === null ? 'no recorded use' : `used ${formatAge(Date.parse(used), Date.now())}`
}
