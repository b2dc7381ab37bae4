import { Skeleton, Tooltip, UnstyledButton } from '@mantine/core'
import { IconCircleMinus, IconLock } from '@tabler/icons-react'
import { memo } from 'react'
import { formatCount, formatPercent } from '../format/format.ts'
import { Panel } from '../layout/panel.tsx'
import { Notice } from '../notices/notice.tsx'
import { toStatusClass } from '../styles/palette.ts'
import { isSameValue } from '../view/filters.ts'
import type { PageFilter } from '../view/search.ts'
import type { LiveResult } from '../view/use-live-queries.ts'
import type { Board } from './boards.ts'
import classes from './leaderboard.module.css'

type LeaderboardProps = {
  readonly board: Board
  readonly result: LiveResult
  /** Why the values are masked for the viewer, if they are. */
  readonly maskReason: string | undefined
  /** Label of rows without a value. */
  readonly unsetLabel: string
  readonly filters: readonly PageFilter[]
  readonly onToggle: (filter: PageFilter) => void
}

/** The values with the most requests. A click filters by a value, Alt-click excludes it, a second click removes the filter. */
export const Leaderboard = memo(function Leaderboard(props: LeaderboardProps) {
  const { maskReason, ...rows } = props
  const { board, result } = rows
  return (
    <Panel title={board.title} stale={result.stale} flush>
      <div className={classes.board} style={{ minHeight: board.size * 28 + 8 }}>
        {maskReason === undefined ? (
          <Rows {...rows} />
        ) : (
          <Notice compact icon={<IconLock size={22} stroke={1.6} />} title="Masked">
            {maskReason}
          </Notice>
        )}
      </div>
    </Panel>
  )
})

type RowsProps = Omit<LeaderboardProps, 'maskReason'>

function Rows({ board, result, unsetLabel, filters, onToggle }: RowsProps) {
  if (result.problem !== undefined) return <p className={classes.empty}>{result.problem.message}</p>
  if (result.answer === undefined)
    return Array.from({ length: 5 }, (_, row) => (
      <Skeleton key={row} height={20} mx={14} mt={8} w="auto" />
    ))
  const rows = result.answer.data.map((row) => ({
    value: String(row[`requests.${board.member}`] ?? ''),
    count: Number(row['requests.count'] ?? 0),
    errors: Number(row['requests.error_count'] ?? 0),
  }))
  if (rows.length === 0) return <p className={classes.empty}>{board.emptyText}</p>
  const max = Math.max(...rows.map(({ count }) => count), 1)
  const picks = filters.filter(({ member }) => member === board.member)
  return (
    <ul className={classes.rows} data-picked={picks.some(({ exclude }) => !exclude) || undefined}>
      {rows.map((row) => (
        <BoardRow
          key={row.value}
          board={board}
          row={row}
          unsetLabel={unsetLabel}
          max={max}
          picks={picks}
          onToggle={onToggle}
        />
      ))}
    </ul>
  )
}

/** One value of a leaderboard. */
type BoardEntry = { readonly value: string; readonly count: number; readonly errors: number }

type BoardRowProps = Pick<LeaderboardProps, 'board' | 'unsetLabel' | 'onToggle'> & {
  readonly row: BoardEntry
  /** The largest count of the board. */
  readonly max: number
  readonly picks: readonly PageFilter[]
}

function BoardRow({ board, row, unsetLabel, max, picks, onToggle }: BoardRowProps) {
  const { value, count, errors } = row
  const filter = { member: board.member, value, exclude: false }
  const pick = picks.find((other) => isSameValue(other, filter))
  const isExcluded = pick?.exclude === true
  const label = value || unsetLabel
  return (
    <li className={classes.row} data-pick={pick && (isExcluded ? 'excluded' : 'included')}>
      <Bar board={board} row={row} max={max} />
      <UnstyledButton
        className={classes.pick}
        onClick={({ altKey }) => onToggle(pick ?? { ...filter, exclude: altKey })}
        aria-pressed={pick !== undefined}
        aria-label={`${board.title}: ${label}, ${count} requests`}
        title={errors > 0 ? `${label}: ${formatPercent(errors / count)} errors` : label}
      >
        <span className={classes.label} data-unset={value === '' || undefined}>
          {label}
        </span>
      </UnstyledButton>
      <Tooltip label={isExcluded ? 'Remove exclusion' : 'Exclude'} openDelay={400}>
        <UnstyledButton
          className={classes.exclude}
          aria-label={`${isExcluded ? 'Remove exclusion of' : 'Exclude'} ${label}`}
          onClick={() => onToggle({ ...filter, exclude: true })}
        >
          <IconCircleMinus size={15} stroke={1.7} />
        </UnstyledButton>
      </Tooltip>
      <span className={classes.count} aria-hidden="true">
        {formatCount(count)}
      </span>
    </li>
  )
}

/** The length shows the count, the red end the share of errors. */
function Bar({ board, row, max }: Pick<BoardRowProps, 'board' | 'row' | 'max'>) {
  const width = `max(3px, calc((100% - 28px) * ${row.count / max}))`
  if (board.member === 'status') {
    const background = `var(--status-${toStatusClass(Number(row.value))})`
    return <span className={classes.bar} style={{ width, background }} aria-hidden="true" />
  }
  return (
    <span className={classes.bar} style={{ width }} aria-hidden="true">
      <span
        className={classes.errors}
        style={{ width: `${(row.errors / Math.max(row.count, 1)) * 100}%` }}
      />
    </span>
  )
}
