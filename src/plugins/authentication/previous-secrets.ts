/** The secret before the last rotation of a credential, while it is valid. `now` is in milliseconds since the epoch. */
export function previousSecrets(
  { previous }: { readonly previous?: { readonly secret: string; readonly expires_at: number } },
  now: number,
): readonly string[] {
  return previous === undefined || previous.expires_at * 1000 <= now ? [] : [previous.secret]
}
