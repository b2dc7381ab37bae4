import type { Point } from './chart-series.ts'
import classes from './sparkline.module.css'

const width = 100
const height = 28

/** A small line chart without axes. */
export function Sparkline({
  points,
  color,
}: {
  readonly points: readonly Point[]
  readonly color: string
}) {
  const values = points.map(([, value]) => value ?? 0)
  const max = Math.max(...values, Number.MIN_VALUE)
  const step = width / Math.max(values.length - 1, 1)
  const line = values
    .map(
      (value, index) =>
        `${round(index * step)},${round(height - 1 - (value / max) * (height - 3))}`,
    )
    .join(' ')
  return (
    <svg
      className={classes.sparkline}
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {values.length > 1 && (
        <>
          <polygon points={`0,${height} ${line} ${width},${height}`} fill={color} opacity="0.12" />
          <polyline points={line} stroke={color} fill="none" vectorEffect="non-scaling-stroke" />
        </>
      )}
    </svg>
  )
}

const round = (value: number): number => Math.round(value * 100) / 100
