/** A set of field names, compared without case. Length and first letter rule out most other names before they are lowercased and hashed. */
export class FieldNames {
  readonly #names: ReadonlySet<string>
  /** For each length, a bit for each first letter; letters of either case share their last five bits. */
  readonly #letters = new Uint32Array(64)

  constructor(names: Iterable<string>) {
    this.#names = new Set(names)
    for (const name of this.#names) {
      const length = name.length & 63
      this.#letters[length] = (this.#letters[length] ?? 0) | (1 << (name.charCodeAt(0) & 31))
    }
  }

  has(name: string): boolean {
    return this.#mayHave(name) && this.#names.has(name.toLowerCase())
  }

  /** Treats every character but letters and digits as a hyphen, because CGI and others make one name of them. */
  hasFolded(name: string): boolean {
    if (!this.#mayHave(name)) return false
    const lower = name.toLowerCase()
    return this.#names.has(lower) || this.#names.has(lower.replace(/[^a-z\d]/g, '-'))
  }

  #mayHave(name: string): boolean {
    return ((this.#letters[name.length & 63] as number) & (1 << (name.charCodeAt(0) & 31))) !== 0
  }
}
