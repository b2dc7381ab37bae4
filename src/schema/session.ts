import { z } from 'zod'

/** Body of POST /api/session. */
export const signIn = z.strictObject({
  name: z.string().min(1).max(200),
  password: z.string().min(1).max(1000),
  /** From an authenticator app, or a recovery code. */
  code: z.string().max(100).optional(),
})

/** Body of POST /api/account/second-factor, which starts to set an authenticator app up. */
export const enrolment = z.strictObject({ password: z.string().min(1).max(1000) })

/** Body of POST /api/account/second-factor/confirm. */
export const confirmation = z.strictObject({ code: z.string().min(1).max(100) })

/** A session as its owner and administrators see it; times in seconds since the epoch. */
export type ListedSession = {
  readonly id: string
  readonly created_at: number | null
  readonly expires_at: number
  readonly address: string
  readonly user_agent: string
  readonly by: 'password' | 'identity-provider'
  /** Whether it is that of the request. */
  readonly current: boolean
}

/** Answer of GET /api/account: what people see of their own sign-in. */
export type AccountSummary = {
  readonly sessions: readonly ListedSession[]
  readonly has_password: boolean
  readonly second_factor: {
    readonly confirmed_at: number
    readonly recovery_codes: number
  } | null
}

/** Body of POST /api/session/provider, which begins a sign-in at the identity provider. `next` is the page to go to afterwards. */
export const beginSignIn = z.strictObject({ next: z.string().max(1000).optional() })

/** Body of POST /api/session/provider/callback: the query of the address to which the provider sent the browser back. */
export const providerAnswer = z.strictObject({ query: z.string().max(8000) })

/** Answer of GET /api/session/provider: what the sign-in page offers; `label` is absent without a provider. */
export type SignInOptions = { readonly label?: string }

/** Answer of POST /api/session/provider. */
export type BegunSignIn = { readonly url: string }

/** Body of POST /api/setup, which creates the first super-admin. `secret` is from the one-time link. */
export const setUp = z.strictObject({
  secret: z.string().min(1),
  name: z.string().min(1).max(200),
  password: z.string().min(8).max(1000),
})

/** Answer of GET /api/session: the signed-in principal and what it may read. */
export type Session = {
  readonly principal: { readonly id: string; readonly name: string; readonly kind: string }
  /** Workspaces in which the principal may read anything, in order of name. */
  readonly workspaces: readonly {
    readonly id: string
    readonly name: string
    readonly roles: readonly string[]
    readonly mayRead: readonly string[]
  }[]
  /** Version of the program. */
  readonly version: string
}

/** Answer of POST /api/session and /api/setup. Changes by the session send `csrf_token` in the header X-CSRF-Token. */
export type SignedIn = Session & {
  readonly csrf_token: string
  /** The page that was wanted when a sign-in at the provider began. */
  readonly next?: string
}
