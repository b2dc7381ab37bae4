import { Problem } from '../problem.ts'

export class Reader {
  readonly source: string
  readonly #name: string
  #at = 0

  /** `name` identifies the expression in error messages; it may be ''. */
  constructor(source: string, name: string) {
    this.source = source
    this.#name = name
  }

  get ended(): boolean {
    return this.#at >= this.source.length
  }

  /** The next UTF-16 code unit, or '' at the end. */
  peek(): string {
    return this.source.charAt(this.#at)
  }

  /** Steps over a code unit. */
  skip(): void {
    this.#at += 1
  }

  sees(text: string): boolean {
    return this.source.startsWith(text, this.#at)
  }

  /** Steps over `text` if it comes next. */
  take(text: string): boolean {
    const isNext = this.sees(text)
    if (isNext) this.#at += text.length
    return isNext
  }

  /** Steps over the next character and gives its code point. */
  next(): number {
    const point = this.source.codePointAt(this.#at)
    if (point === undefined) return this.fail('unexpected end')
    this.#at += point > 0xffff ? 2 : 1
    return point
  }

  /** Steps over what a sticky pattern finds here. */
  match(sticky: RegExp): RegExpExecArray | undefined {
    sticky.lastIndex = this.#at
    const found = sticky.exec(this.source) ?? undefined
    if (found !== undefined) this.#at += found[0].length
    return found
  }

  back(length: number): undefined {
    this.#at -= length
  }

  /** The text up to `mark`, stepping over both. */
  until(mark: string): string {
    const end = this.source.indexOf(mark, this.#at)
    if (end < 0) this.fail(`missing ${mark}`)
    const text = this.source.slice(this.#at, end)
    this.#at = end + mark.length
    return text
  }

  fail(message: string): never {
    const position = `${this.#name} at character ${this.#at + 1}`.trimStart()
    throw new Problem('regex.refused', 400, `${position}: ${message}`)
  }
}
