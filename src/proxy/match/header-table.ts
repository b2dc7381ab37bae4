import type { HeaderList } from '../header-list.ts'
import type { HeaderTest } from './compile-matcher.ts'

/** Numbers for pairs of header and value, so that routes which differ in a header only need not be asked one by one. Number 0 is for any request. */
export class HeaderTable {
  readonly #numbers = new Map<string, Map<string, number>>()
  #count = 1

  /** One more than the highest number. */
  get count(): number {
    return this.#count
  }

  /** The numbers under which a way with these conditions is to be found: those of its first header that is compared with plain values only. */
  add(tests: readonly HeaderTest[]): readonly number[] {
    const plain = tests.find(({ regexes }) => regexes.length === 0)
    if (plain === undefined) return [0]
    const ofName = this.#numbers.get(plain.name) ?? new Map<string, number>()
    this.#numbers.set(plain.name, ofName)
    return [...plain.values].map((value) => {
      const number = ofName.get(value) ?? this.#count++
      ofName.set(value, number)
      return number
    })
  }

  /** Puts the numbers of all pairs that a request has into `found`. */
  find(headers: HeaderList, found: number[]): void {
    found.push(0)
    if (this.#numbers.size > fewNames) return this.#findAmongMany(headers, found)
    for (const [name, ofName] of this.#numbers) {
      for (const value of headers.all(name)) pushNew(ofName.get(value.toLowerCase()), found)
    }
  }

  #findAmongMany({ flat }: HeaderList, found: number[]): void {
    for (let at = 0; at < flat.length; at += 2) {
      const ofName = this.#numbers.get((flat[at] as string).toLowerCase())
      pushNew(ofName?.get((flat[at + 1] as string).toLowerCase()), found)
    }
  }
}

/** Up to so many names it is quicker to ask the request for each than to look up each of its fields. */
const fewNames = 8

function pushNew(number: number | undefined, found: number[]): void {
  if (number !== undefined && !found.includes(number)) found.push(number)
}
