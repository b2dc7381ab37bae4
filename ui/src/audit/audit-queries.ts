import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type { AuditChain, AuditPage, AuditVerification } from '../../../src/schema/audit-answer.ts'
import type { ChainedRecord } from '../../../src/schema/audit-record.ts'
import { requestJson } from '../api/request-json.ts'
import type { PageFilter } from '../view/search.ts'

/** Filters of the audit log, as query parameters of the Admin API. */
export const auditFilters = [
  'principal',
  'action',
  'allowed',
  'path',
  'status',
  'revision',
] as const

export type AuditFilterName = (typeof auditFilters)[number]

const adminPath = (workspace: string | undefined): string =>
  workspace === undefined ? '/admin' : `/admin/${encodeURIComponent(workspace)}`

/** Records, newest first, of one workspace or of all whose log the viewer may read. */
export const auditQuery = (workspace: string | undefined, filters: readonly PageFilter[]) =>
  infiniteQueryOptions({
    queryKey: ['audit', workspace ?? '', filters],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => {
      const parameters = new URLSearchParams({ size: '50' })
      for (const { member, value } of filters) {
        if ((auditFilters as readonly string[]).includes(member)) parameters.set(member, value)
      }
      if (pageParam !== '') parameters.set('offset', pageParam)
      return requestJson<AuditPage>(`${adminPath(workspace)}/audit?${parameters}`, { signal })
    },
    getNextPageParam: ({ offset }) => offset,
    refetchInterval: 15_000,
  })

/** One record with the state before and after the change. */
export const auditRecordQuery = (sequence: number) =>
  queryOptions({
    queryKey: ['audit', 'record', sequence],
    queryFn: ({ signal }) =>
      requestJson<ChainedRecord>(`/admin/audit/records/${sequence}`, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  })

/** The signed checkpoint of the log. */
export const auditChainQuery = queryOptions({
  queryKey: ['audit', 'chain'],
  queryFn: ({ signal }) => requestJson<AuditChain>('/admin/audit/chain', { signal }),
  retry: false,
})

/** Verifies the entire log. */
export const verifyAudit = (): Promise<AuditVerification> => requestJson('/admin/audit/verify')
