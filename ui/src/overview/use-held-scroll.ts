import { useLayoutEffect, useRef, type RefObject } from 'react'
import type { RequestRow } from './request-row.ts'

/** Pixels of one row of the table. */
export const rowHeight = 32

/** Keeps the row at the top of the view where it is when newer rows push it down; at the very top the newest are shown. */
export function useHeldScroll(place: RefObject<HTMLElement | null>, rows: readonly RequestRow[]) {
  const before = useRef(rows)
  useLayoutEffect(() => {
    const old = before.current
    before.current = rows
    const shift = place.current === null ? 0 : shiftOf(old, rows, place.current.scrollTop)
    if (shift !== 0) place.current?.scrollBy({ top: shift * rowHeight, behavior: 'instant' })
  }, [place, rows])
}

/** By how many rows the first visible row that is still there has moved. */
function shiftOf(old: readonly RequestRow[], rows: readonly RequestRow[], top: number): number {
  if (old === rows || top === 0) return 0
  for (let index = Math.floor(top / rowHeight); index < old.length; index++) {
    const now = rows.findIndex(({ id }) => id === old[index]?.id)
    if (now >= 0) return now - index
  }
  return 0
}
