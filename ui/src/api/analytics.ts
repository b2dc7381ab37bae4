import { queryOptions } from '@tanstack/react-query'
import type { Answer, Meta } from '../../../src/schema/answer.ts'
import type { QueryInput } from '../../../src/schema/query.ts'
import { requestJson, send } from './request-json.ts'

/** What the asker may ask, and what they see. */
export const metaQuery = queryOptions({
  queryKey: ['meta'],
  queryFn: ({ signal }) => requestJson<Meta>('/api/analytics/meta', { signal }),
  staleTime: 10_000,
  refetchInterval: 30_000,
})

/** The answer to one question, asked once. */
export const answerQuery = (question: QueryInput) =>
  queryOptions({
    queryKey: ['answer', question],
    queryFn: ({ signal }) =>
      requestJson<Answer>('/api/analytics/query', { method: 'POST', body: question, signal }),
  })

/** Asks the question and hands its rows to the browser as a CSV download. */
export async function downloadCsv(question: QueryInput, fileName: string): Promise<void> {
  const response = await send('/api/analytics/query?format=csv', {
    method: 'POST',
    body: question,
  })
  const address = URL.createObjectURL(await response.blob())
  const link = document.createElement('a')
  link.href = address
  link.download = fileName
  link.click()
  URL.revokeObjectURL(address)
}
