import { Skeleton, Tooltip } from '@mantine/core'
import { IconArrowDownRight, IconArrowUpRight } from '@tabler/icons-react'
import type { Answer } from '../../../src/schema/answer.ts'
import { pointsOf } from '../charts/chart-series.ts'
import { Sparkline } from '../charts/sparkline.tsx'
import { formatCount, formatDuration, formatPercent, formatRate, absent } from '../format/format.ts'
import { compare } from './compare.ts'
import classes from './stat-strip.module.css'

type Stat = {
  readonly measure: string
  readonly title: string
  readonly color: string
  readonly format: (value: number) => string
  /** Whether an increase is worse; undefined when it is neither. */
  readonly higherIsWorse?: boolean
}

const stats: readonly Stat[] = [
  { measure: 'count', title: 'Requests', color: 'var(--accent)', format: formatCount },
  { measure: 'per_second', title: 'Per second', color: 'var(--accent)', format: formatRate },
  {
    measure: 'error_rate',
    title: 'Error rate',
    color: 'var(--status-5xx)',
    format: formatPercent,
    higherIsWorse: true,
  },
  {
    measure: 'duration_p95',
    title: 'p95 latency',
    color: 'var(--timing-upstream)',
    format: formatDuration,
    higherIsWorse: true,
  },
  {
    measure: 'denied_count',
    title: 'Denied',
    color: 'var(--status-4xx)',
    format: formatCount,
    higherIsWorse: true,
  },
]

type StatStripProps = {
  readonly totals: Answer | undefined
  readonly previous: Answer | undefined
  readonly series: Answer | undefined
  /** Label of the previous period, for example `previous 15 minutes`. */
  readonly previousLabel: string
}

/** Totals, each compared with the previous period. */
export function StatStrip({ totals, previous, series, previousLabel }: StatStripProps) {
  return (
    <section className={classes.strip} aria-label="Totals">
      {stats.map((stat) => {
        const name = `requests.${stat.measure}`
        const value = totalOf(totals, name)
        return (
          <div key={stat.measure} className={classes.stat}>
            <p className={classes.title}>{stat.title}</p>
            <div className={classes.line}>
              {totals === undefined ? (
                <Skeleton height={30} width={90} />
              ) : (
                <span className={classes.value}>
                  {value === undefined ? absent : stat.format(value)}
                </span>
              )}
              <Delta
                stat={stat}
                value={value}
                previous={totalOf(previous, name)}
                previousLabel={previousLabel}
              />
            </div>
            <Sparkline points={pointsOf(series, name)} color={stat.color} />
          </div>
        )
      })}
    </section>
  )
}

type DeltaProps = {
  readonly stat: Stat
  readonly value: number | undefined
  readonly previous: number | undefined
  readonly previousLabel: string
}

function Delta({ stat, value, previous, previousLabel }: DeltaProps) {
  const change = compare(value, previous)
  if (change === undefined || previous === undefined) return null
  const { direction, label } = change
  const isWorse = stat.higherIsWorse === true && direction === 'up'
  const isBetter = stat.higherIsWorse === true && direction === 'down'
  const Arrow = direction === 'up' ? IconArrowUpRight : IconArrowDownRight
  return (
    <Tooltip label={`${stat.format(previous)} in the ${previousLabel}`}>
      <span
        className={classes.delta}
        data-trend={isWorse ? 'worse' : isBetter ? 'better' : undefined}
      >
        {direction !== 'same' && <Arrow size={13} stroke={2} />}
        {label}
      </span>
    </Tooltip>
  )
}

function totalOf(answer: Answer | undefined, measure: string): number | undefined {
  const value = answer?.data[0]?.[measure]
  return typeof value === 'number' ? value : undefined
}
