/** How a number changed against the one before. */
export type Change = { readonly direction: 'up' | 'down' | 'same'; readonly words: string }

/** How a number changed against the one before; undefined when either is not known or there was nothing before to compare with. */
export function compare(
  value: number | undefined,
  previous: number | undefined,
): Change | undefined {
  if (value === undefined || previous === undefined || previous === 0) return undefined
  const share = (value - previous) / previous
  const percent = Math.abs(share) * 100
  if (percent < 0.5) return { direction: 'same', words: 'no change' }
  const direction = share > 0 ? 'up' : 'down'
  if (share > 9) return { direction, words: `${Math.round(value / previous)}×` }
  return { direction, words: `${percent < 10 ? percent.toFixed(1) : Math.round(percent)}%` }
}
