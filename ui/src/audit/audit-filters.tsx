import { Button, SegmentedControl, Select, TextInput } from '@mantine/core'
import { IconRoute, IconUser } from '@tabler/icons-react'
import { type FormEvent, type ReactNode, useState } from 'react'
import type { PageView } from '../view/use-page-view.ts'
import classes from './audit-filters.module.css'
import { type AuditMember, auditMembers } from './audit-queries.ts'

const outcomes = [
  { value: 'any', label: 'All' },
  { value: 'true', label: 'Allowed' },
  { value: 'false', label: 'Denied' },
]

/** The filters of the log; the address of the page holds them. */
export function AuditFilters({ view }: { readonly view: PageView }) {
  const { filters } = view
  const valueOf = (member: AuditMember): string =>
    filters.find((filter) => filter.member === member)?.value ?? ''
  const put = (member: AuditMember, value: string): void => {
    const others = filters.filter((filter) => filter.member !== member)
    const added = value === '' ? [] : [{ member, value, exclude: false }]
    view.change({ filters: [...others, ...added] })
  }
  const isFiltered = auditMembers.some((member) => valueOf(member) !== '')

  return (
    <search className={classes.bar} aria-label="Filters of the audit log">
      <SegmentedControl
        size="xs"
        aria-label="Outcome"
        value={valueOf('allowed') || 'any'}
        onChange={(value) => put('allowed', value === 'any' ? '' : value)}
        data={outcomes}
      />
      <Select
        size="xs"
        w={130}
        aria-label="Action"
        placeholder="Any action"
        clearable
        value={valueOf('action') || null}
        onChange={(value) => put('action', value ?? '')}
        data={['create', 'read', 'update', 'delete']}
      />
      <Typed
        key={`who ${valueOf('principal')}`}
        label="Who"
        icon={<IconUser size={14} stroke={1.8} />}
        value={valueOf('principal')}
        onPut={(value) => put('principal', value)}
      />
      <Typed
        key={`path ${valueOf('path')}`}
        label="Path begins with"
        icon={<IconRoute size={14} stroke={1.8} />}
        value={valueOf('path')}
        onPut={(value) => put('path', value)}
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

type TypedProps = {
  readonly label: string
  readonly icon: ReactNode
  readonly value: string
  readonly onPut: (value: string) => void
}

/** A field whose words count once they are entered or left. */
function Typed({ label, icon, value, onPut }: TypedProps) {
  const [typed, setTyped] = useState(value)
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    onPut(typed.trim())
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
        onBlur={() => typed.trim() !== value && onPut(typed.trim())}
      />
    </form>
  )
}
