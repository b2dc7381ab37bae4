import { UnstyledButton } from '@mantine/core'
import { IconX } from '@tabler/icons-react'
import { memberTitle } from '../format/member-title.ts'
import type { PageView } from '../view/use-page-view.ts'
import classes from './filter-bar.module.css'

/** The filters of a page as chips; a click inverts a filter, the cross removes it. */
export function FilterBar({ view }: { readonly view: PageView }) {
  if (view.filters.length === 0) return null
  return (
    <ul className={classes.bar} aria-label="Filters">
      {view.filters.map((filter) => {
        const { member, value, exclude } = filter
        const label = `${memberTitle(member)} ${exclude ? 'is not' : 'is'} ${value || 'empty'}`
        return (
          <li
            key={`${member} ${value}`}
            className={classes.chip}
            data-exclude={exclude || undefined}
          >
            <UnstyledButton
              className={classes.label}
              aria-label={`${label}. Invert.`}
              onClick={() => view.toggle({ ...filter, exclude: !exclude })}
            >
              {memberTitle(member)} <i>{exclude ? 'is not' : 'is'}</i> <b>{value || 'empty'}</b>
            </UnstyledButton>
            <UnstyledButton
              className={classes.cross}
              aria-label={`Remove filter: ${label}`}
              onClick={() => view.toggle(filter)}
            >
              <IconX size={13} stroke={2} />
            </UnstyledButton>
          </li>
        )
      })}
      <li>
        <UnstyledButton
          className={classes.clear}
          onClick={() => view.change({ filters: undefined })}
        >
          Clear all
        </UnstyledButton>
      </li>
    </ul>
  )
}
