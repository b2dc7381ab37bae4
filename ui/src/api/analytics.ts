import { queryOptions } from '@tanstack/react-query'
import type { Answer, Meta } from '../../../src/schema/answer.ts'
import type { Completeness } from '../../../src/schema/completeness.ts'
import type { QueryInput } from '../../../src/schema/query.ts'
import { requestJson, send } from './request-json.ts'

/** The datasets that the viewer may query, and the rows they see. */
export const metaQuery = queryOptions({
  queryKey: ['meta'],
  queryFn: ({ signal }) => requestJson<Meta>('/api/analytics/meta', { signal }),
  staleTime: 10_000,
  refetchInterval: 30_000,
})

/** The time up to which requests are complete. */
export const completenessQuery = queryOptions({
  queryKey: ['completeness'],
  queryFn: ({ signal }) => requestJson<Completeness>('/api/analytics/completeness', { signal }),
  refetchInterval: 5_000,
})

/** The answer to a query, without a subscription. */
export const answerQuery = (query: QueryInput) =>
  queryOptions({
    queryKey: ['answer', query],
    queryFn: ({ signal }) =>
      requestJson<Answer>('/api/analytics/query', { method: 'POST', body: query, signal }),
  })

/** Downloads the answer to a query as CSV. */
export async function downloadCsv(query: QueryInput, fileName: string): Promise<void> {
  const response = await send('/api/analytics/query?format=csv', {
    method: 'POST',
    body: query,
  })
  const address = URL.createObjectURL(await response.blob())
  const link = document.createElement('a')
  link.href = address
  link.download = fileName
  link.click()
  URL.revokeObjectURL(address)
}
