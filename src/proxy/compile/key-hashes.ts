/** The hashes of API keys that were used, so that a change of the configuration does not hash each again. */
export type KeyHashes = {
  get(this: void, secret: string): string | undefined
  remember(this: void, secret: string, hash: string): void
}

/** Forgets those that were not used for long: at most twice `most` are remembered. */
export function openKeyHashes(most = 10_000): KeyHashes {
  let recent = new Map<string, string>()
  let older = new Map<string, string>()
  return {
    get: (secret) => recent.get(secret) ?? older.get(secret),
    remember(secret, hash) {
      if (recent.size === most) [older, recent] = [recent, new Map()]
      recent.set(secret, hash)
    },
  }
}
