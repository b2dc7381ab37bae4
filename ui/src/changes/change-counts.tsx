import type { ChangeCounts as Counts } from '../../../src/schema/config-difference.ts'
import { formatCount } from '../format/format.ts'
import classes from './change-counts.module.css'

/** Numbers of created, updated and deleted entities; zeros are omitted. */
export function ChangeCounts({ counts }: { readonly counts: Counts }) {
  const parts = [
    ['created', '+', counts.created],
    ['updated', '~', counts.updated],
    ['deleted', '−', counts.deleted],
  ] as const
  return (
    <span className={classes.counts}>
      {parts.map(([kind, sign, count]) =>
        count === 0 ? null : (
          <span key={kind} data-kind={kind} aria-label={`${count} ${kind}`}>
            {sign}
            {formatCount(count)}
          </span>
        ),
      )}
    </span>
  )
}
