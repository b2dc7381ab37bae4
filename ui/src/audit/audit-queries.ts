import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query'
import type { AuditChain, AuditPage, AuditVerdict } from '../../../src/schema/audit-answer.ts'
import type { ChainedRecord } from '../../../src/schema/audit-record.ts'
import { requestJson } from '../api/request-json.ts'
import type { PageFilter } from '../view/search.ts'

/** The members by which the log can be filtered, as the Admin API names them. */
export const auditMembers = [
  'principal',
  'action',
  'allowed',
  'path',
  'status',
  'revision',
] as const

/** One of them. */
export type AuditMember = (typeof auditMembers)[number]

const placeOf = (workspace: string | undefined): string =>
  workspace === undefined ? '/admin' : `/admin/${encodeURIComponent(workspace)}`

/** Records newest first, page by page; of every workspace whose log the viewer may read, or of one. */
export const auditQuery = (workspace: string | undefined, filters: readonly PageFilter[]) =>
  infiniteQueryOptions({
    queryKey: ['audit', workspace ?? '', filters],
    initialPageParam: '',
    queryFn: ({ pageParam, signal }) => {
      const parameters = new URLSearchParams({ size: '50' })
      for (const { member, value } of filters) {
        if ((auditMembers as readonly string[]).includes(member)) parameters.set(member, value)
      }
      if (pageParam !== '') parameters.set('offset', pageParam)
      return requestJson<AuditPage>(`${placeOf(workspace)}/audit?${parameters}`, { signal })
    },
    getNextPageParam: ({ offset }) => offset,
    refetchInterval: 15_000,
  })

/** One record with everything that was and became. */
export const auditRecordQuery = (sequence: number) =>
  queryOptions({
    queryKey: ['audit', 'record', sequence],
    queryFn: ({ signal }) =>
      requestJson<ChainedRecord>(`/admin/audit/records/${sequence}`, { signal }),
    staleTime: Number.POSITIVE_INFINITY,
  })

/** What is signed about the log. */
export const auditChainQuery = queryOptions({
  queryKey: ['audit', 'chain'],
  queryFn: ({ signal }) => requestJson<AuditChain>('/admin/audit/chain', { signal }),
  retry: false,
})

/** Verifies the whole log. */
export const verifyAudit = (): Promise<AuditVerdict> => requestJson('/admin/audit/verify')
