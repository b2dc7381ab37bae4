import { QueryCache, QueryClient } from '@tanstack/react-query'
import { ApiError } from './api-error.ts'

/** Opens the cache of everything read from the API; `onSignedOut` is called when the API no longer knows who asks. */
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
