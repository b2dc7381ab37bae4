import type { RequestHead } from '../exchange.ts'
import type { HeaderList } from '../header-list.ts'
import type { Matcher } from './compile-matcher.ts'

/** Numbers for header values and SNIs, so that routes that differ in nothing else are found without testing each. Number 0 matches every request. */
export class HeaderSniIndex {
  readonly #headers = new Map<string, Map<string, number>>()
  readonly #serverNames = new Map<string, number>()
  #withoutTls = 0
  #count = 1

  get count(): number {
    return this.#count
  }

  /** The numbers of a route variant: the values of its first header without expressions, else its SNIs. */
  add({ headers, serverNames }: Matcher<unknown>): readonly number[] {
    const plain = headers.find(({ regexes }) => regexes.length === 0)
    if (plain !== undefined) {
      const ofName = this.#headers.get(plain.name) ?? new Map<string, number>()
      this.#headers.set(plain.name, ofName)
      return [...plain.values].map((value) => this.#numberIn(ofName, value))
    }
    if (serverNames === undefined) return [0]
    // Without TLS, SNIs are not checked.
    this.#withoutTls ||= this.#count++
    return [
      this.#withoutTls,
      ...[...serverNames].map((name) => this.#numberIn(this.#serverNames, name)),
    ]
  }

  /** Appends the numbers that match a request to `found`. */
  find({ headers, scheme, serverName }: RequestHead, found: number[]): void {
    found.push(0)
    if (this.#withoutTls > 0) {
      const isOpen = scheme !== 'https'
      pushNew(isOpen ? this.#withoutTls : this.#serverNames.get(serverName ?? ''), found)
    }
    if (this.#headers.size > fewNames) return this.#findAmongMany(headers, found)
    for (const [name, ofName] of this.#headers) {
      for (const value of headers.all(name)) pushNew(ofName.get(value.toLowerCase()), found)
    }
  }

  #findAmongMany({ flat }: HeaderList, found: number[]): void {
    for (let at = 0; at < flat.length; at += 2) {
      const ofName = this.#headers.get((flat[at] as string).toLowerCase())
      pushNew(ofName?.get((flat[at + 1] as string).toLowerCase()), found)
    }
  }

  #numberIn(table: Map<string, number>, text: string): number {
    const number = table.get(text) ?? this.#count++
    table.set(text, number)
    return number
  }
}

/** Up to this number of names, looking up each name is faster than looking up each field. */
const fewNames = 8

function pushNew(number: number | undefined, found: number[]): void {
  if (number !== undefined && !found.includes(number)) found.push(number)
}
