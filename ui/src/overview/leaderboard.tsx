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

/** What a Leaderboard shows and changes. */
type LeaderboardProps = {
  readonly board: Board
  readonly told: LiveResult
  /** Why the viewer may not see this board. */
  readonly maskReason: string | undefined
  readonly filters: readonly PageFilter[]
  readonly onToggle: (filter: PageFilter) => void
}

/** The values with the most requests. A click filters by one, Alt and a click excludes it, again takes that away. */
export const Leaderboard = memo(function Leaderboard(props: LeaderboardProps) {
  const { board, told, maskReason, filters, onToggle } = props
  return (
    <Panel title={board.title} stale={told.stale} flush>
      <div className={classes.board} style={{ minHeight: board.size * 28 + 8 }}>
        {maskReason === undefined ? (
          <Rows board={board} told={told} filters={filters} onToggle={onToggle} />
        ) : (
          <Notice compact icon={<IconLock size={22} stroke={1.6} />} title="Masked for you">
            {maskReason}
          </Notice>
        )}
      </div>
    </Panel>
  )
})

function Rows({ board, told, filters, onToggle }: Omit<LeaderboardProps, 'maskReason'>) {
  if (told.problem !== undefined) return <p className={classes.empty}>{told.problem.message}</p>
  if (told.answer === undefined)
    return Array.from({ length: 5 }, (_, row) => (
      <Skeleton key={row} height={20} mx={14} mt={8} w="auto" />
    ))
  const rows = told.answer.data.map((row) => ({
    value: String(row[`requests.${board.member}`] ?? ''),
    count: Number(row['requests.count'] ?? 0),
    errors: Number(row['requests.error_count'] ?? 0),
  }))
  if (rows.length === 0) return <p className={classes.empty}>{board.empty}</p>
  const most = Math.max(...rows.map(({ count }) => count), 1)
  const picks = filters.filter(({ member }) => member === board.member)
  return (
    <ul className={classes.rows} data-picked={picks.some(({ exclude }) => !exclude) || undefined}>
      {rows.map((row) => (
        <BoardRow
          key={row.value}
          board={board}
          row={row}
          most={most}
          picks={picks}
          onToggle={onToggle}
        />
      ))}
    </ul>
  )
}

/** One value of a leaderboard. */
type BoardEntry = { readonly value: string; readonly count: number; readonly errors: number }

/** What a BoardRow shows and changes. */
type BoardRowProps = {
  readonly board: Board
  readonly row: BoardEntry
  /** The largest count of the board. */
  readonly most: number
  readonly picks: readonly PageFilter[]
  readonly onToggle: (filter: PageFilter) => void
}

/** One value with its count, a bar, and the ways to filter by it. */
function BoardRow({ board, row, most, picks, onToggle }: BoardRowProps) {
  const { value, count, errors } = row
  const filter = { member: board.member, value, exclude: false }
  const pick = picks.find((other) => isSameValue(other, filter))
  const isOut = pick?.exclude === true
  const label = value || board.none
  return (
    <li className={classes.row} data-pick={pick && (isOut ? 'out' : 'in')}>
      <Bar board={board} row={row} most={most} />
      <UnstyledButton
        className={classes.pick}
        onClick={({ altKey }) => onToggle(pick ?? { ...filter, exclude: altKey })}
        aria-pressed={pick !== undefined}
        aria-label={`${board.title}: ${label}, ${count} requests`}
        title={errors > 0 ? `${label}: ${formatPercent(errors / count)} errors` : label}
      >
        <span className={classes.label} data-none={value === '' || undefined}>
          {label}
        </span>
      </UnstyledButton>
      <Tooltip label={isOut ? 'Include again' : 'Exclude'} openDelay={400}>
        <UnstyledButton
          className={classes.exclude}
          aria-label={`${isOut ? 'Include' : 'Exclude'} ${label}`}
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

/** Length says how many; the red end says how many of them were errors. */
function Bar({ board, row, most }: Pick<BoardRowProps, 'board' | 'row' | 'most'>) {
  const width = `max(3px, calc((100% - 28px) * ${row.count / most}))`
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
