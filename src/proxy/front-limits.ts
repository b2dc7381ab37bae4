/** Limits of the front. */
export type FrontLimits = {
  /** Largest request head in bytes. */
  readonly headBytes: number
  /** Largest request body in bytes; 0 for no limit. */
  readonly bodyBytes: number
  /** From the first byte of a head to its last. */
  readonly headMilliseconds: number
  /** Between two parts of a body. */
  readonly bodyMilliseconds: number
  /** Between two requests of a connection. */
  readonly idleMilliseconds: number
  /** While a client takes nothing of its answer. */
  readonly writeMilliseconds: number
}

/** Limits as nginx has them. */
export const usualLimits: FrontLimits = {
  headBytes: 32_768,
  bodyBytes: 0,
  headMilliseconds: 60_000,
  bodyMilliseconds: 60_000,
  idleMilliseconds: 75_000,
  writeMilliseconds: 60_000,
}
