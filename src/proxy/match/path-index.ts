/** A way that may be taken when a path in a bucket begins with some text; the lower rank is better. */
export type PathEntry = { readonly bucket: number; readonly text: string; readonly rank: number }

/**
 * All path texts of all buckets in one sorted list, each with a link to the longest of those before it that it begins
 * with. The texts a path begins with are then a chain that starts at its place in the list: the last text that is not
 * greater than the path, or one of those that this begins with. A list, three arrays of numbers, and nothing else.
 */
export class PathIndex {
  readonly #texts: readonly string[]
  /** Place in the list of the next shorter text in the same bucket that this one begins with, or -1. */
  readonly #shorter: Int32Array
  /** Where the texts of each bucket begin; one more for the end. */
  readonly #bucketStarts: Int32Array
  /** Where the ranks of each text begin; one more for the end. */
  readonly #rankStarts: Int32Array
  /** Lowest first for each text. */
  readonly #ranks: Int32Array

  /** Every bucket up to `buckets` must have an entry. */
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

  /** The lowest rank below `limit` that is accepted among the ways of a bucket whose text the path begins with, or `limit`. */
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

  /** The last place from `start` on whose text is not after the path, and how many characters both begin with. What the texts at both ends share with the path, all between them share too, and it is not compared again. */
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

/** How many characters two texts begin with in common, when `known` of them are. */
function shareOf(one: string, other: string, known: number): number {
  const most = Math.min(one.length, other.length)
  let at = known
  while (at < most && one.charCodeAt(at) === other.charCodeAt(at)) at++
  return at
}

function byPlace(a: PathEntry, b: PathEntry): number {
  return a.bucket - b.bucket || (a.text < b.text ? -1 : a.text > b.text ? 1 : a.rank - b.rank)
}

/** In a sorted list the texts that one begins with are those still open when it comes. */
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
