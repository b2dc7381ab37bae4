type Line<Item> = { readonly connection: object; readonly items: Item[] }

/** Items that wait in one line for each connection; the lines are served in turns, each line in its order. */
export class FairQueue<Item> {
  readonly #lines = new Map<object, Line<Item>>()
  /** Lines in the order of their turns. One that its clients left stays until its turn comes. */
  readonly #turns: Line<Item>[] = []
  /** How many lines have as many items as the index says. */
  readonly #lengths: number[] = []
  #longest = 0
  #size = 0
  #behind = 0

  /** Items that wait. */
  get size(): number {
    return this.#size
  }

  /** Those among them that stand behind another of their own connection. */
  get behind(): number {
    return this.#behind
  }

  /** Puts an item at the end of the line of its connection. */
  push(connection: object, item: Item): void {
    let line = this.#lines.get(connection)
    if (line === undefined) {
      line = { connection, items: [] }
      this.#lines.set(connection, line)
      this.#turns.push(line)
    }
    line.items.push(item)
    this.#changed(line.items.length - 1, line.items.length)
  }

  /** Takes the item whose turn it is. */
  shift(): Item | undefined {
    while (this.#turns.length > 0) {
      const line = this.#turns.shift() as Line<Item>
      const item = this.#takeFirst(line)
      if (line.items.length > 0) this.#turns.push(line)
      else this.#lines.delete(line.connection)
      if (item !== undefined) return item
    }
    return undefined
  }

  /** Takes the newest item of a longest line, if that line stays at least as long as the line of `connection` would become by one more; else nothing. */
  makeRoom(connection: object): Item | undefined {
    const length = this.#lines.get(connection)?.items.length ?? 0
    if (this.#longest < length + 2) return undefined
    const fattest = this.#turns.find(({ items }) => items.length === this.#longest)
    const item = fattest?.items.pop()
    if (fattest !== undefined) this.#changed(fattest.items.length + 1, fattest.items.length)
    return item
  }

  /** Takes an item out that no longer wants to wait; false when it was not waiting. */
  remove(connection: object, item: Item): boolean {
    const items = this.#lines.get(connection)?.items
    const at = items?.indexOf(item) ?? -1
    if (items === undefined || at < 0) return false
    items.splice(at, 1)
    this.#changed(items.length + 1, items.length)
    return true
  }

  /** Takes what stands at the heads of lines for as long as `isLate` says so of it and of the length of its line. */
  takeLate(isLate: (item: Item, length: number) => boolean): Item[] {
    const late: Item[] = []
    for (const line of this.#turns) {
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
