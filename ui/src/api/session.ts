import { queryOptions, useSuspenseQuery } from '@tanstack/react-query'
import type { BegunSignIn, Session, SignedIn, SignInOptions } from '../../../src/schema/session.ts'
import { ApiError } from './api-error.ts'
import { readCsrfToken, writeCsrfToken } from './csrf-token.ts'
import { requestJson, send } from './request-json.ts'

/** The current session; null when signed out. */
export const sessionQuery = queryOptions({
  queryKey: ['session'],
  queryFn: async ({ signal }): Promise<Session | null> => {
    // Without its token, a session could not change anything.
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

/** Signs in; the response sets the session cookie. `code` is that of an authenticator app, or ''. */
export async function signIn(name: string, password: string, code: string): Promise<void> {
  const body = { name, password, ...(code === '' ? {} : { code }) }
  const { csrf_token: token } = await requestJson<SignedIn>('/api/session', {
    method: 'POST',
    body,
  })
  writeCsrfToken(token)
}

/** Sign-in options besides passwords. */
export const signInOptionsQuery = queryOptions({
  queryKey: ['sign-in-options'],
  queryFn: ({ signal }) => requestJson<SignInOptions>('/api/session/provider', { signal }),
  staleTime: 60_000,
})

/** Redirects to the identity provider, which sends the browser back to the callback page. */
export async function signInByProvider(next: string | undefined): Promise<void> {
  const body = next === undefined ? {} : { next }
  const { url } = await requestJson<BegunSignIn>('/api/session/provider', { method: 'POST', body })
  window.location.assign(url)
}

/** Completes a sign-in with the query of the callback page; returns the requested page. */
export async function completeSignIn(query: string): Promise<string> {
  const path = '/api/session/provider/callback'
  const { csrf_token: token, next } = await requestJson<SignedIn>(path, {
    method: 'POST',
    body: { query },
  })
  writeCsrfToken(token)
  return next ?? '/'
}

/** Ends the session. Returns where it ends at the identity provider too, when it began there. */
export async function signOut(): Promise<string | undefined> {
  const response = await send('/api/session', { method: 'DELETE' })
  writeCsrfToken('')
  if (response.status === 204) return undefined
  return ((await response.json()) as { readonly sign_out_url: string }).sign_out_url
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
