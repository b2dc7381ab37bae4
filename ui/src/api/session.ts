import { queryOptions, useSuspenseQuery } from '@tanstack/react-query'
import type { Session, SignedIn } from '../../../src/schema/session.ts'
import { ApiError } from './api-error.ts'
import { readCsrfToken, writeCsrfToken } from './csrf-token.ts'
import { requestJson, send } from './request-json.ts'

/** The current session; null when signed out. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ signal }): Promise<Session | null> => {
    // A session without its token could change nothing.
    if (readCsrfToken() === '') return null
    try {
      return await requestJson<Session>('/api/session', { signal })
    } catch (error) {
      if (error instanceof ApiError && error.status === 401) return null
      throw error
    }
  },
  staleTime: 30_000,
  refetchInterval: 60_000,
})

/** The current session; only for pages that require sign-in. */
export function useSession(): Session {
  const { data } = useSuspenseQuery(sessionQuery)
  return data ?? signedOut
}

/** Signs in; the response sets the session cookie. */
export async function signIn(name: string, password: string): Promise<void> {
  const body = { name, password }
  const { csrf_token: token } = await requestJson<SignedIn>('/api/session', {
    method: 'POST',
    body,
  })
  writeCsrfToken(token)
}

/** Ends the session. */
export async function signOut(): Promise<void> {
  await send('/api/session', { method: 'DELETE' })
  writeCsrfToken('')
}

/** Creates the first super-admin with the secret of the one-time link, and signs in. */
export async function setUp(secret: string, name: string, password: string): Promise<void> {
  const body = { secret, name, password }
  const { csrf_token: token } = await requestJson<SignedIn>('/api/setup', { method: 'POST', body })
  writeCsrfToken(token)
}

/** The workspaces in which the session may read entities of this plural name. */
export const workspacesWith = (session: Session, plural: string) =>
  session.workspaces.filter(({ mayRead }) => mayRead.includes(plural) || mayRead.includes('*'))

const signedOut: Session = {
  principal: { id: '', name: '', kind: 'user' },
  workspaces: [],
  version: '',
}
