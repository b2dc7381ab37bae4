/** Caches the hashes of used API keys, so that a change of the configuration does not hash each again. */
export type KeyHashes = {
  get(this: void, secret: string): string | undefined
  remember(this: void, secret: string, hash: string): void
}

/** Evicts the least recently used: at most twice `most` are cached. */
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
