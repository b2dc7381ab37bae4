import { Popover, Skeleton, UnstyledButton } from '@mantine/core'
import { IconEye, IconEyeCheck, IconEyeOff, IconLock } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import {
  type CallerVisibility,
  describeVisibility,
  type Visibility,
} from '../../../src/schema/answer.ts'
import { metaQuery } from '../api/analytics.ts'
import { memberTitle } from '../format/member-title.ts'
import classes from './visibility-chip.module.css'

const icons = { all: IconEyeCheck, some: IconEye, nothing: IconEyeOff } as const

/** Shows which requests are visible to the viewer, and the rules that decide it. */
export function VisibilityChip() {
  const { data, isError } = useQuery(metaQuery)
  if (isError) return null
  if (data === undefined) return <Skeleton height={28} width={220} radius={14} />
  const { visibility } = data
  const Glyph = icons[visibility.scope]
  return (
    <Popover width={380} position="bottom-end" withArrow trapFocus returnFocus>
      <Popover.Target>
        <UnstyledButton
          className={classes.chip}
          data-scope={visibility.scope}
          aria-label={`Visibility: ${describeVisibility(visibility)}`}
        >
          <Glyph size={15} stroke={1.8} />
          <span className={classes.statement}>{visibility.statement}</span>
          {visibility.callers !== undefined && visibility.callers.scope !== 'all' && (
            <IconLock size={13} stroke={1.9} />
          )}
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown className={classes.dropdown}>
        <Explanation visibility={visibility} />
      </Popover.Dropdown>
    </Popover>
  )
}

function Explanation({ visibility }: { readonly visibility: Visibility }) {
  const { statement, because, masked, callers, revision } = visibility
  const reasons = [...new Set(masked.map(({ reason }) => reason))]
  return (
    <div tabIndex={-1} className={classes.explanation}>
      <h3>{statement}</h3>
      <h4>Rules</h4>
      <ul>
        {because.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
      {callers?.scope === 'some' && <Callers callers={callers} />}
      {reasons.length > 0 && <h4>Masked fields</h4>}
      {reasons.map((reason) => (
        <div key={reason} className={classes.masked}>
          <p>
            {masked
              .filter((one) => one.reason === reason)
              .map(({ member }) => (
                <span key={member}>{memberTitle(member)}</span>
              ))}
          </p>
          <p className={classes.reason}>{reason}</p>
        </div>
      ))}
      <footer>
        These rules apply to every chart, table, export and query. Permissions as of revision{' '}
        <b>{revision}</b>.
      </footer>
    </div>
  )
}

/** Shows where callers are visible, and the rules that mask the others. */
function Callers({ callers }: { readonly callers: CallerVisibility }) {
  return (
    <>
      <h3 className={classes.callers}>{callers.statement}</h3>
      <h4>Rules</h4>
      <ul>
        {callers.because.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
    </>
  )
}
