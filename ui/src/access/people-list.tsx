import { Button, Skeleton } from '@mantine/core'
import { IconUserPlus } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { text, type EntityRecord } from '../api/entities.ts'
import { Chips } from '../entities/chips.tsx'
import { State } from '../entities/state.tsx'
import { Refusal } from '../parts/refusal.tsx'
import { RowOpener } from '../parts/row-opener.tsx'
import { RowTable } from '../parts/row-table.tsx'
import { rbacQuery } from './access-queries.ts'
import { NewPrincipal } from './new-principal.tsx'
import classes from './people-list.module.css'
import { PersonDrawer } from './person-drawer.tsx'

const widths = 'minmax(140px, 1.2fr) 130px minmax(100px, 1fr) minmax(120px, 1.4fr) 90px'

/** Everybody who can come in: people, service accounts and agents, each with their roles here and their tokens. */
export function PeopleList({ workspace }: { readonly workspace: string }) {
  const { data, error, refetch } = useQuery(rbacQuery('default', 'users'))
  const [open, setOpen] = useState<string>()
  const [isMaking, setMaking] = useState(false)
  if (error !== null)
    return <Refusal error={error} what="principals" onRetry={() => void refetch()} />
  if (data === undefined) return <Skeleton height={200} />
  const inOrder = data.toSorted((a, b) => text(a, 'name').localeCompare(text(b, 'name')))
  const person = data.find(({ id }) => id === open)
  return (
    <>
      <div className={classes.head}>
        <Button
          size="xs"
          variant="default"
          leftSection={<IconUserPlus size={14} stroke={1.8} />}
          onClick={() => setMaking(true)}
        >
          New principal
        </Button>
      </div>
      <RowTable widths={widths} narrowest={640}>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Kind</th>
            <th scope="col">Groups</th>
            <th scope="col">Comment</th>
            <th scope="col">State</th>
          </tr>
        </thead>
        <tbody>
          {inOrder.map((one) => (
            <Row key={one.id} person={one} onOpen={() => setOpen(one.id)} />
          ))}
        </tbody>
      </RowTable>
      <PersonDrawer workspace={workspace} person={person} onClose={() => setOpen(undefined)} />
      <NewPrincipal isOpen={isMaking} onClose={() => setMaking(false)} />
    </>
  )
}

type RowProps = { readonly person: EntityRecord; readonly onOpen: () => void }

function Row({ person, onOpen }: RowProps) {
  return (
    <tr>
      <td>
        <RowOpener look="strong" onOpen={onOpen}>
          {text(person, 'name')}
        </RowOpener>
      </td>
      <td>{text(person, 'kind').replace('-', ' ')}</td>
      <td>
        <Chips values={(person['groups'] as readonly string[] | undefined) ?? []} />
      </td>
      <td className={classes.dim}>{text(person, 'comment') || text(person, 'email')}</td>
      <td>
        <State entity={person} />
      </td>
    </tr>
  )
}
