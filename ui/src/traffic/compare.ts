/** A relative change. */
export type Change = { readonly direction: 'up' | 'down' | 'same'; readonly label: string }

/** The change between two values; undefined when either is unknown or the previous one is zero. */
export function compare(
  value: number | undefined,
  previous: number | undefined,
): Change | undefined {
  if (value === undefined || previous === undefined || previous === 0) return undefined
  const share = (value - previous) / previous
  const percent = Math.abs(share) * 100
  if (percent < 0.5) return { direction: 'same', label: 'no change' }
  const direction = share > 0 ? 'up' : 'down'
  if (share > 9) return { direction, label: `${Math.round(value / previous)}×` }
  return { direction, label: `${percent < 10 ? percent.toFixed(1) : Math.round(percent)}%` }
}
