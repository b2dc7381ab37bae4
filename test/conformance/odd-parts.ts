/** An oddity of a request, with the name that the comparison uses. */
export type OddPart = {
  readonly trait: string
  readonly text: string
  /** The replacement for the reference, where the text is legal and Node's parser rejects it. */
  readonly plain?: string
}

/** Parts that are not replaced for the reference. */
export const parts = (trait: string, ...texts: string[]): OddPart[] =>
  texts.map((text) => ({ trait, text }))

/** Legal parts that are replaced by `plain` for the reference. */
export const legal = (trait: string, plain: string, ...texts: string[]): OddPart[] =>
  texts.map((text) => ({ trait, text, plain }))
