import { z } from 'zod'

/** Body of POST /api/session. */
export const signIn = z.strictObject({
  name: z.string().min(1).max(200),
  password: z.string().min(1).max(1000),
})

/** Body of POST /api/setup: the first super-admin, with the secret of the one-time link. */
export const setUp = z.strictObject({
  secret: z.string().min(1),
  name: z.string().min(1).max(200),
  password: z.string().min(8).max(1000),
})

/** Answer of GET /api/session: who is asking, and what the pages may show them. */
export type Session = {
  readonly principal: { readonly id: string; readonly name: string; readonly kind: string }
  /** Workspaces in which they may read anything, in order of name. */
  readonly workspaces: readonly {
    readonly id: string
    readonly name: string
    readonly roles: readonly string[]
    readonly mayRead: readonly string[]
  }[]
  /** Version of the program. */
  readonly version: string
}
