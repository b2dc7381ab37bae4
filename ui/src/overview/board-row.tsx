import { Tooltip, UnstyledButton } from '@mantine/core'
import { IconCircleMinus } from '@tabler/icons-react'
import { formatCount, formatPercent } from '../parts/format.ts'
import { statusClassOf } from '../styles/palette.ts'
import { isSameValue } from '../view/filters.ts'
import type { PageFilter } from '../view/search.ts'
import classes from './board-row.module.css'
import type { Board } from './boards.ts'

/** One value of a leaderboard. */
export type BoardValue = { readonly value: string; readonly count: number; readonly errors: number }

/** What a BoardRow shows and changes. */
type BoardRowProps = {
  readonly board: Board
  readonly row: BoardValue
  /** The largest count of the board. */
  readonly most: number
  readonly picks: readonly PageFilter[]
  readonly onToggle: (filter: PageFilter) => void
}

/** One value with its count, a bar, and the ways to filter by it. */
export function BoardRow({ board, row, most, picks, onToggle }: BoardRowProps) {
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
    const background = `var(--status-${statusClassOf(Number(row.value))})`
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
