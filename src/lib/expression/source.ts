import { Problem } from '../problem.ts'

/** The text of an expression, read from left to right. */
export class Source {
  readonly text: string
  #at = 0

  constructor(text: string) {
    this.text = text
  }

  /** The position of the next token. */
  get at(): number {
    this.#skipSpace()
    return this.#at
  }

  get isAtEnd(): boolean {
    return this.at === this.text.length
  }

  sees(token: string): boolean {
    return this.text.startsWith(token, this.at)
  }

  /** Steps over `token` if it comes next. */
  take(token: string): boolean {
    const isNext = this.sees(token)
    if (isNext) this.#at += token.length
    return isNext
  }

  /** Steps over what a sticky pattern finds next. */
  match(sticky: RegExp): RegExpExecArray | undefined {
    sticky.lastIndex = this.at
    const found = sticky.exec(this.text) ?? undefined
    if (found !== undefined) this.#at += found[0].length
    return found
  }

  /** Throws a Problem with the line and column of a position. */
  fail(complaint: string, at: number = this.at): never {
    const before = this.text.slice(0, at).split('\n')
    const column = Array.from(before.at(-1) as string).length + 1
    throw new Problem(
      'expression.invalid',
      400,
      `line ${before.length}, column ${column}: ${complaint}`,
    )
  }

  #skipSpace(): void {
    while (' \t\r\n'.includes(this.text[this.#at] ?? '.')) this.#at += 1
  }
}
