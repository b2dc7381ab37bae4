import type { RequestHead } from '../exchange.ts'
import type { HeaderList } from '../header-list.ts'
import type { Matcher } from './compile-matcher.ts'

/** Numbers for what tells requests apart beside host and path, so that routes which differ in nothing else need not be asked one by one: a header with a value, or the server name of the handshake. Number 0 is for any request. */
export class HeaderSniIndex {
  readonly #headers = new Map<string, Map<string, number>>()
  readonly #serverNames = new Map<string, number>()
  #withoutTls = 0
  #count = 1

  /** One more than the highest number. */
  get count(): number {
    return this.#count
  }

  /** The numbers under which a way is to be found: those of its first header that is compared with plain values only, else of its server names. */
  add({ headers, serverNames }: Matcher<unknown>): readonly number[] {
    const plain = headers.find(({ regexes }) => regexes.length === 0)
    if (plain !== undefined) {
      const ofName = this.#headers.get(plain.name) ?? new Map<string, number>()
      this.#headers.set(plain.name, ofName)
      return [...plain.values].map((value) => this.#numberIn(ofName, value))
    }
    if (serverNames === undefined) return [0]
    // Without TLS a way is open whatever its server names are.
    this.#withoutTls ||= this.#count++
    return [
      this.#withoutTls,
      ...[...serverNames].map((name) => this.#numberIn(this.#serverNames, name)),
    ]
  }

  /** Puts the numbers of all that a request has into `found`. */
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

/** Up to so many names it is quicker to ask the request for each than to look up each of its fields. */
const fewNames = 8

function pushNew(number: number | undefined, found: number[]): void {
  if (number !== undefined && !found.includes(number)) found.push(number)
}
