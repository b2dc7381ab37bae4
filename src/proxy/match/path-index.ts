/** An entry of a bucket for paths with the prefix `text`; a lower rank is better. */
export type PathEntry = { readonly bucket: number; readonly text: string; readonly rank: number }

/**
 * Prefix index: the texts of all buckets in one sorted list, each with a link to its longest proper prefix in the list.
 * The prefixes of a path form a chain of links that begins at the last text that is not greater than the path.
 */
export class PathIndex {
  readonly #texts: readonly string[]
  /** Index of the next shorter prefix in the same bucket, or -1. */
  readonly #shorter: Int32Array
  /** Start of each bucket; one more for the end. */
  readonly #bucketStarts: Int32Array
  /** Start of the ranks of each text; one more for the end. */
  readonly #rankStarts: Int32Array
  /** Ascending for each text. */
  readonly #ranks: Int32Array

  constructor(entries: readonly PathEntry[], buckets: number) {
    const sorted = entries.toSorted(byPlace)
    const texts: string[] = []
    const rankStarts: number[] = []
    this.#bucketStarts = new Int32Array(buckets + 1)
    this.#ranks = new Int32Array(sorted.length)
    let last: PathEntry | undefined
    for (const [index, entry] of sorted.entries()) {
      const isSame = last?.bucket === entry.bucket && last.text === entry.text
      if (!isSame) {
        texts.push(entry.text)
        rankStarts.push(index)
        this.#bucketStarts[entry.bucket + 1] = texts.length
      }
      this.#ranks[index] = entry.rank
      last = entry
    }
    this.#texts = texts
    this.#rankStarts = Int32Array.from([...rankStarts, sorted.length])
    this.#shorter = linkShorter(texts, this.#bucketStarts)
  }

  /** The lowest accepted rank below `limit` among entries whose text is a prefix of the path, or `limit`. */
  find(bucket: number, path: string, limit: number, accepts: (rank: number) => boolean): number {
    const start = this.#bucketStarts[bucket] as number
    const found = this.#search(path, start, this.#bucketStarts[bucket + 1] as number)
    let place = found.place
    while (place >= start && (this.#texts[place] as string).length > found.shared)
      place = this.#shorter[place] as number
    let best = limit
    for (; place >= start; place = this.#shorter[place] as number)
      best = this.#lowest(place, best, accepts)
    return best
  }

  /** Binary search for the last text not after the path, with the length of the common prefix. Characters that both bounds share with the path are not compared again. */
  #search(path: string, start: number, end: number): { place: number; shared: number } {
    let low = start
    let high = end
    let sharedBelow = 0
    let sharedAbove = 0
    while (low < high) {
      const middle = (low + high) >> 1
      const text = this.#texts[middle] as string
      const shared = shareOf(text, path, Math.min(sharedBelow, sharedAbove))
      const isAfter =
        shared < text.length &&
        (shared === path.length || text.charCodeAt(shared) > path.charCodeAt(shared))
      if (isAfter) {
        high = middle
        sharedAbove = shared
      } else {
        low = middle + 1
        sharedBelow = shared
      }
    }
    return { place: low - 1, shared: sharedBelow }
  }

  #lowest(place: number, limit: number, accepts: (rank: number) => boolean): number {
    const end = this.#rankStarts[place + 1] as number
    for (let at = this.#rankStarts[place] as number; at < end; at++) {
      const rank = this.#ranks[at] as number
      if (rank >= limit) break
      if (accepts(rank)) return rank
    }
    return limit
  }
}

/** Length of the common prefix, of which `known` characters are known to be equal. */
function shareOf(one: string, other: string, known: number): number {
  const most = Math.min(one.length, other.length)
  let at = known
  while (at < most && one.charCodeAt(at) === other.charCodeAt(at)) at++
  return at
}

function byPlace(a: PathEntry, b: PathEntry): number {
  return a.bucket - b.bucket || (a.text < b.text ? -1 : a.text > b.text ? 1 : a.rank - b.rank)
}

/** In sorted order, the prefixes of a text are on the stack when it is reached. */
function linkShorter(texts: readonly string[], bucketStarts: Int32Array): Int32Array {
  const shorter = new Int32Array(texts.length).fill(-1)
  for (let bucket = 0; bucket + 1 < bucketStarts.length; bucket++) {
    const start = bucketStarts[bucket] as number
    const end = bucketStarts[bucket + 1] as number
    for (let place = start + 1; place < end; place++) {
      let open = place - 1
      while (open >= start && !texts[place]?.startsWith(texts[open] as string))
        open = shorter[open] as number
      shorter[place] = open
    }
  }
  return shorter
}
