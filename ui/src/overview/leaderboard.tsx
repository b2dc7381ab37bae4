import { Skeleton } from '@mantine/core'
import { IconLock } from '@tabler/icons-react'
import { memo } from 'react'
import { Notice } from '../parts/notice.tsx'
import { Panel } from '../parts/panel.tsx'
import type { PageFilter } from '../view/search.ts'
import type { Told } from '../view/use-live-answers.ts'
import { BoardRow } from './board-row.tsx'
import type { Board } from './boards.ts'
import classes from './leaderboard.module.css'

/** What a Leaderboard shows and changes. */
type LeaderboardProps = {
  readonly board: Board
  readonly told: Told
  /** Why the viewer may not see this board. */
  readonly maskedBecause: string | undefined
  readonly filters: readonly PageFilter[]
  readonly onToggle: (filter: PageFilter) => void
}

/** The values with the most requests. A click filters by one, Alt and a click excludes it, again takes that away. */
export const Leaderboard = memo(function Leaderboard(props: LeaderboardProps) {
  const { board, told, maskedBecause, filters, onToggle } = props
  return (
    <Panel title={board.title} stale={told.stale} flush>
      <div className={classes.board} style={{ minHeight: board.size * 28 + 8 }}>
        {maskedBecause === undefined ? (
          <Rows board={board} told={told} filters={filters} onToggle={onToggle} />
        ) : (
          <Notice compact icon={<IconLock size={22} stroke={1.6} />} title="Masked for you">
            {maskedBecause}
          </Notice>
        )}
      </div>
    </Panel>
  )
})

function Rows({ board, told, filters, onToggle }: Omit<LeaderboardProps, 'maskedBecause'>) {
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
