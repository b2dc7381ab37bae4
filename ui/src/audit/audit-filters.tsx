import { Button, SegmentedControl, Select, TextInput } from '@mantine/core'
import { IconRoute, IconUser } from '@tabler/icons-react'
import { type FormEvent, type ReactNode, useState } from 'react'
import type { PageView } from '../view/use-page-view.ts'
import classes from './audit-filters.module.css'
import { type AuditFilterName, auditFilters } from './audit-queries.ts'

const outcomes = [
  { value: 'any', label: 'All' },
  { value: 'true', label: 'Allowed' },
  { value: 'false', label: 'Denied' },
]

/** The filters of the audit log, kept in the address. */
export function AuditFilters({ view }: { readonly view: PageView }) {
  const { filters } = view
  const valueOf = (member: AuditFilterName): string =>
    filters.find((filter) => filter.member === member)?.value ?? ''
  const setFilter = (member: AuditFilterName, value: string): void => {
    const others = filters.filter((filter) => filter.member !== member)
    const added = value === '' ? [] : [{ member, value, exclude: false }]
    view.change({ filters: [...others, ...added] })
  }
  const isFiltered = auditFilters.some((member) => valueOf(member) !== '')

  return (
    <search className={classes.bar} aria-label="Audit log filters">
      <SegmentedControl
        size="xs"
        aria-label="Outcome"
        value={valueOf('allowed') || 'any'}
        onChange={(value) => setFilter('allowed', value === 'any' ? '' : value)}
        data={outcomes}
      />
      <Select
        size="xs"
        w={130}
        aria-label="Action"
        placeholder="Any action"
        clearable
        value={valueOf('action') || null}
        onChange={(value) => setFilter('action', value ?? '')}
        data={['create', 'read', 'update', 'delete']}
      />
      <TextFilter
        key={`principal ${valueOf('principal')}`}
        label="Principal"
        icon={<IconUser size={14} stroke={1.8} />}
        value={valueOf('principal')}
        onApply={(value) => setFilter('principal', value)}
      />
      <TextFilter
        key={`path ${valueOf('path')}`}
        label="Path prefix"
        icon={<IconRoute size={14} stroke={1.8} />}
        value={valueOf('path')}
        onApply={(value) => setFilter('path', value)}
      />
      {isFiltered && (
        <Button
          size="compact-xs"
          variant="subtle"
          color="gray"
          onClick={() => view.change({ filters: [] })}
        >
          Clear all
        </Button>
      )}
    </search>
  )
}

type TextFilterProps = {
  readonly label: string
  readonly icon: ReactNode
  readonly value: string
  readonly onApply: (value: string) => void
}

/** A text filter that applies on Enter or blur. */
function TextFilter({ label, icon, value, onApply }: TextFilterProps) {
  const [typed, setTyped] = useState(value)
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    onApply(typed.trim())
  }
  return (
    <form onSubmit={submit}>
      <TextInput
        size="xs"
        w={170}
        aria-label={label}
        placeholder={label}
        leftSection={icon}
        value={typed}
        onChange={(event) => setTyped(event.currentTarget.value)}
        onBlur={() => typed.trim() !== value && onApply(typed.trim())}
      />
    </form>
  )
}
