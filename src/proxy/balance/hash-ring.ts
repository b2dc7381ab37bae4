import type { Target } from './target.ts'

/**
 * Slots owned by targets. The owner of a slot is the target with the highest weighted score in it (weighted rendezvous
 * hashing): a new target takes its share evenly from all others, and no slot moves between two targets that stay.
 */
export type HashRing = {
  /** The owner of the input's slot; when it is not available, the owner among the available targets. */
  find(hash: number, available: readonly Target[]): Target | undefined
}

type Member = { readonly target: Target; readonly hash: number }

/** The owner of a slot is computed at its first use. */
export function openHashRing(targets: readonly Target[], slots: number): HashRing {
  const members = targets.map((target) => ({ target, hash: hashText(target.key) }))
  const hashes = new Map(members.map(({ target, hash }) => [target, hash]))
  const owners: (Target | undefined)[] = Array.from({ length: slots }, () => undefined)
  return {
    find(hash, available) {
      const slot = hash % slots
      const owner = (owners[slot] ??= highestScore(members, slot))
      if (owner === undefined || available === targets || available.includes(owner)) return owner
      return highestScore(
        available.map((target) => ({ target, hash: hashes.get(target) ?? hashText(target.key) })),
        slot,
      )
    },
  }
}

/** With the score -weight / ln(u), u uniform in (0, 1), a target wins with a probability in proportion to its weight. */
function highestScore(members: readonly Member[], slot: number): Target | undefined {
  const slotHash = mixHashes(slot, 0x51ed270b)
  let found: Target | undefined
  let highest = 0
  for (const { target, hash } of members) {
    const uniform = (mixHashes(hash, slotHash) + 0.5) / 0x1_0000_0000
    const score = -target.weight / Math.log(uniform)
    if (score <= highest) continue
    highest = score
    found = target
  }
  return found
}

/** 32-bit FNV-1a with the finalizer of MurmurHash3, which spreads similar texts. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1)
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return finalize(hash)
}

const mixHashes = (a: number, b: number): number => finalize(Math.imul(a, 0x9e3779b1) ^ b)

function finalize(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
