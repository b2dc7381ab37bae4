type Patterns = {
  /** Host → number. */
  readonly exact: Map<string, number>
  /** `.example.com` of `*.example.com` → number. */
  readonly suffix: Map<string, number>
  /** `example.` of `example.*` → number. */
  readonly prefix: Map<string, number>
  longestSuffix: number
  longestPrefix: number
}

/** Numbers for host patterns; 0 matches every host. */
export class HostIndex {
  readonly #anyPort = emptyPatterns()
  readonly #byPort = new Map<number, Patterns>()
  #count = 1

  /** A pattern may have a wildcard label and a port. */
  add(pattern: string): number {
    const [name = '', port] = pattern.toLowerCase().split(':', 2)
    const patterns = port === undefined ? this.#anyPort : this.#patternsOf(Number(port))
    if (name.startsWith('*')) {
      patterns.longestSuffix = Math.max(patterns.longestSuffix, name.length - 1)
      return this.#numberIn(patterns.suffix, name.slice(1))
    }
    if (name.endsWith('*')) {
      patterns.longestPrefix = Math.max(patterns.longestPrefix, name.length - 1)
      return this.#numberIn(patterns.prefix, name.slice(0, -1))
    }
    return this.#numberIn(patterns.exact, name)
  }

  /** Appends the numbers of all matching patterns to `found`. */
  find(host: string, port: number, found: number[]): void {
    found.push(0)
    findIn(this.#anyPort, host, found)
    const ofPort = this.#byPort.size === 0 ? undefined : this.#byPort.get(port)
    if (ofPort !== undefined) findIn(ofPort, host, found)
  }

  #patternsOf(port: number): Patterns {
    const patterns = this.#byPort.get(port) ?? emptyPatterns()
    this.#byPort.set(port, patterns)
    return patterns
  }

  #numberIn(table: Map<string, number>, text: string): number {
    const number = table.get(text) ?? this.#count
    if (number === this.#count) {
      table.set(text, number)
      this.#count += 1
    }
    return number
  }
}

const emptyPatterns = (): Patterns => ({
  exact: new Map(),
  suffix: new Map(),
  prefix: new Map(),
  longestSuffix: 0,
  longestPrefix: 0,
})

/** Looks up only labels up to the longest pattern, so that a host with many dots is cheap. */
function findIn(patterns: Patterns, host: string, found: number[]): void {
  const { exact, suffix, prefix, longestSuffix, longestPrefix } = patterns
  pushKnown(exact.get(host), found)
  if (longestSuffix > 0) {
    const first = Math.max(1, host.length - longestSuffix)
    for (let dot = host.indexOf('.', first); dot > 0; dot = host.indexOf('.', dot + 1))
      pushKnown(suffix.get(host.slice(dot)), found)
  }
  if (longestPrefix > 0) {
    const last = Math.min(longestPrefix, host.length - 1)
    for (let dot = host.indexOf('.'); dot >= 0 && dot < last; dot = host.indexOf('.', dot + 1))
      pushKnown(prefix.get(host.slice(0, dot + 1)), found)
  }
}

function pushKnown(number: number | undefined, found: number[]): void {
  if (number !== undefined) found.push(number)
}
