/** A 32-bit hash of text: FNV-1a, finished as MurmurHash3 finishes, so that near texts fall far apart. */
export function hashText(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at += 1)
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return mix(hash)
}

/** Two hashes as one. */
export const mixHashes = (a: number, b: number): number => mix(Math.imul(a, 0x9e3779b1) ^ b)

function mix(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
