import { QueryCache, QueryClient } from '@tanstack/react-query'
import { ApiError } from './api-error.ts'

/** Creates the cache of API responses; `onSignedOut` runs when the session is no longer valid. */
export function createQueryClient(onSignedOut: () => void): QueryClient {
  const client: QueryClient = new QueryClient({
    queryCache: new QueryCache({
      onError(error) {
        if (!(error instanceof ApiError) || error.status !== 401) return
        client.setQueryData(['session'], null)
        onSignedOut()
      },
      onSuccess(answer, { queryKey }) {
        if (queryKey[0] === 'session' && answer === null) onSignedOut()
      },
    }),
    defaultOptions: {
      queries: {
        staleTime: 5_000,
        retry: (failures, error) =>
          failures < 2 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
      },
    },
  })
  return client
}
