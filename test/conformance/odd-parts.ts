/** Something odd about a request, and the name under which the judge knows it. */
export type OddPart = {
  readonly trait: string
  readonly text: string
  /** What the reference is given instead, where the text is legal and Node's parser does not take it. */
  readonly plain?: string
}

/** Parts that the reference is given as they are. */
export const parts = (trait: string, ...texts: string[]): OddPart[] =>
  texts.map((text) => ({ trait, text }))

/** Parts that are legal, and that the reference is given as `plain`. */
export const legal = (trait: string, plain: string, ...texts: string[]): OddPart[] =>
  texts.map((text) => ({ trait, text, plain }))
