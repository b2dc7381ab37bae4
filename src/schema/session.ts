import { z } from 'zod'

/** Body of POST /api/session. */
export const signIn = z.strictObject({
  name: z.string().min(1).max(200),
  password: z.string().min(1).max(1000),
})

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
export type SignedIn = Session & { readonly csrf_token: string }
