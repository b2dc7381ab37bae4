import { queryOptions } from '@tanstack/react-query'
import type { AccountSummary } from '../../../src/schema/session.ts'
import { requestJson, send } from '../api/request-json.ts'

const path = '/api/account'

/** Sessions and authenticator app of the viewer. */
export const accountQuery = queryOptions({
  queryKey: ['account'],
  queryFn: ({ signal }) => requestJson<AccountSummary>(path, { signal }),
})

export const endSession = (id: string): Promise<Response> =>
  send(`${path}/sessions/${id}`, { method: 'DELETE' })

export const beginSecondFactor = (password: string) =>
  requestJson<{ readonly secret: string; readonly uri: string }>(`${path}/second-factor`, {
    method: 'POST',
    body: { password },
  })

export const confirmSecondFactor = (code: string) =>
  requestJson<{ readonly recovery_codes: readonly string[] }>(`${path}/second-factor/confirm`, {
    method: 'POST',
    body: { code },
  })

export const removeSecondFactor = (password: string): Promise<Response> =>
  send(`${path}/second-factor/remove`, { method: 'POST', body: { password } })
