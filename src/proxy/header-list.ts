/** HTTP fields in the order they came, names in their own letter case, looked up in any: a flat list of name, value, name, value … */
export class HeaderList {
  readonly flat: string[]

  constructor(flat: string[] = []) {
    this.flat = flat
  }

  /** The first value under `name` (given in lower case), or undefined. */
  get(name: string): string | undefined {
    const at = this.#find(name, 0)
    return at < 0 ? undefined : this.flat[at + 1]
  }

  /** Every value under `name` (given in lower case), in order. */
  all(name: string): string[] {
    const values: string[] = []
    for (let at = this.#find(name, 0); at >= 0; at = this.#find(name, at + 2)) {
      values.push(this.flat[at + 1] as string)
    }
    return values
  }

  set(name: string, value: string): void {
    this.delete(name.toLowerCase())
    this.flat.push(name, value)
  }

  /** Adds a field after the others. */
  add(name: string, value: string): void {
    this.flat.push(name, value)
  }

  /** Removes every field under `name` (given in lower case). */
  delete(name: string): void {
    for (let at = this.#find(name, 0); at >= 0; at = this.#find(name, at)) this.flat.splice(at, 2)
  }

  /** A copy without the fields whose name, in its original case, `drop` accepts. */
  without(drop: (name: string) => boolean): HeaderList {
    const kept: string[] = []
    for (let at = 0; at < this.flat.length; at += 2) {
      const name = this.flat[at] as string
      if (!drop(name)) kept.push(name, this.flat[at + 1] as string)
    }
    return new HeaderList(kept)
  }

  #find(name: string, from: number): number {
    const letter = name.charCodeAt(0) & 31
    for (let at = from; at < this.flat.length; at += 2) {
      const candidate = this.flat[at] as string
      if (
        candidate.length === name.length &&
        (candidate.charCodeAt(0) & 31) === letter &&
        (candidate === name || candidate.toLowerCase() === name)
      )
        return at
    }
    return -1
  }
}
