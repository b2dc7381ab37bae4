type Line<Item> = { readonly connection: object; readonly items: Item[] }

/** A queue with one line per connection; lines are served round-robin. */
export class FairQueue<Item> {
  readonly #lines = new Map<object, Line<Item>>()
  /** Lines in round-robin order. An empty line stays until its turn. */
  readonly #order: Line<Item>[] = []
  /** Number of lines by length. */
  readonly #lengths: number[] = []
  #longest = 0
  #size = 0
  #behind = 0

  get size(): number {
    return this.#size
  }

  /** Items that wait behind another item of their own connection. */
  get behind(): number {
    return this.#behind
  }

  push(connection: object, item: Item): void {
    let line = this.#lines.get(connection)
    if (line === undefined) {
      line = { connection, items: [] }
      this.#lines.set(connection, line)
      this.#order.push(line)
    }
    line.items.push(item)
    this.#changed(line.items.length - 1, line.items.length)
  }

  shift(): Item | undefined {
    while (this.#order.length > 0) {
      const line = this.#order.shift() as Line<Item>
      const item = this.#takeFirst(line)
      if (line.items.length > 0) this.#order.push(line)
      else this.#lines.delete(line.connection)
      if (item !== undefined) return item
    }
    return undefined
  }

  /** Evicts the newest item of a longest line, unless the line of `connection` would then be longer. */
  evictFor(connection: object): Item | undefined {
    const length = this.#lines.get(connection)?.items.length ?? 0
    if (this.#longest < length + 2) return undefined
    const fattest = this.#order.find(({ items }) => items.length === this.#longest)
    const item = fattest?.items.pop()
    if (fattest !== undefined) this.#changed(fattest.items.length + 1, fattest.items.length)
    return item
  }

  /** Returns false when the item was not queued. */
  remove(connection: object, item: Item): boolean {
    const items = this.#lines.get(connection)?.items
    const at = items?.indexOf(item) ?? -1
    if (items === undefined || at < 0) return false
    items.splice(at, 1)
    this.#changed(items.length + 1, items.length)
    return true
  }

  /** Removes items from the heads of lines while `isLate`, which gets the length of the line, holds. */
  removeLate(isLate: (item: Item, length: number) => boolean): Item[] {
    const late: Item[] = []
    for (const line of this.#order) {
      const { items } = line
      while (items.length > 0 && isLate(items[0] as Item, items.length))
        late.push(this.#takeFirst(line) as Item)
    }
    return late
  }

  #takeFirst(line: Line<Item>): Item | undefined {
    const item = line.items.shift()
    if (item !== undefined) this.#changed(line.items.length + 1, line.items.length)
    return item
  }

  #changed(before: number, after: number): void {
    this.#size += after - before
    this.#behind += Math.max(0, after - 1) - Math.max(0, before - 1)
    this.#lengths[before] = (this.#lengths[before] ?? 0) - 1
    this.#lengths[after] = (this.#lengths[after] ?? 0) + 1
    if (after > this.#longest) this.#longest = after
    while (this.#longest > 0 && (this.#lengths[this.#longest] ?? 0) <= 0) this.#longest -= 1
  }
}
