import { Button, Skeleton, Text } from '@mantine/core'
import { IconUserPlus } from '@tabler/icons-react'
import { useState } from 'react'
import { text } from '../api/entities.ts'
import { Chips } from '../entities/chips.tsx'
import { EnabledBadge } from '../entities/enabled-badge.tsx'
import { RowButton, RowTable } from '../layout/row-table.tsx'
import { SideDrawer } from '../layout/side-drawer.tsx'
import { ErrorState } from '../notices/error-state.tsx'
import { roleLabels } from './access-queries.ts'
import { IdentityList } from './identity-list.tsx'
import { NewPrincipal } from './new-principal.tsx'
import classes from './principal-drawer.module.css'
import { PrincipalRoles } from './principal-roles.tsx'
import { TokenList } from './token-list.tsx'
import { type Person, usePeople } from './use-people.ts'

const widths =
  'minmax(130px, 1fr) 120px minmax(180px, 2fr) minmax(80px, 0.7fr) minmax(100px, 1fr) 84px'

/** Every principal that is visible to the viewer, with its roles in some workspaces. */
export function PeopleList({ workspaces }: { readonly workspaces: readonly string[] }) {
  const { people, isPending, error, isComplete, refetch } = usePeople(workspaces)
  const [openId, setOpenId] = useState<string>()
  const [isCreating, setCreating] = useState(false)
  if (error !== null) return <ErrorState error={error} what="principals" onRetry={refetch} />
  if (isPending) return <Skeleton height={200} />
  const open = people.find(({ id }) => id === openId)
  return (
    <>
      <div className={classes.toolbar}>
        {isComplete ? (
          <Button
            size="xs"
            variant="default"
            leftSection={<IconUserPlus size={14} stroke={1.8} />}
            onClick={() => setCreating(true)}
          >
            New principal
          </Button>
        ) : (
          <Text size="xs" c="dimmed">
            Only principals with a role in {workspaces.join(', ')} are shown.
          </Text>
        )}
      </div>
      <RowTable widths={widths} minWidth={860}>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col">Kind</th>
            <th scope="col">Roles</th>
            <th scope="col">Groups</th>
            <th scope="col">Comment</th>
            <th scope="col">State</th>
          </tr>
        </thead>
        <tbody>
          {people.map((person) => (
            <Row
              key={person.id}
              person={person}
              isAcross={workspaces.length > 1}
              onOpen={() => setOpenId(person.id)}
            />
          ))}
        </tbody>
      </RowTable>
      <SideDrawer
        isOpen={open !== undefined}
        onClose={() => setOpenId(undefined)}
        title={open?.name ?? ''}
        what="the principal"
      >
        {open !== undefined && (
          <div className={classes.sections}>
            {workspaces.map((workspace) => (
              <PrincipalRoles key={workspace} workspace={workspace} user={open.id} />
            ))}
            <IdentityList
              user={open.id}
              groups={(open.record?.['groups'] as readonly string[] | undefined) ?? []}
            />
            <TokenList user={open.id} />
          </div>
        )}
      </SideDrawer>
      <NewPrincipal isOpen={isCreating} onClose={() => setCreating(false)} />
    </>
  )
}

type RowProps = {
  readonly person: Person
  readonly isAcross: boolean
  readonly onOpen: () => void
}

function Row({ person, isAcross, onOpen }: RowProps) {
  const { record } = person
  return (
    <tr>
      <td>
        <RowButton look="strong" onOpen={onOpen}>
          {person.name}
        </RowButton>
      </td>
      <td>{person.kind.replace('-', ' ')}</td>
      <td>
        <Chips values={ownRoles(person, isAcross)} />
      </td>
      <td>
        <Chips values={(record?.['groups'] as readonly string[] | undefined) ?? []} />
      </td>
      <td className={classes.dim}>
        {record === undefined ? '' : text(record, 'comment') || text(record, 'email')}
      </td>
      <td>{record !== undefined && <EnabledBadge entity={record} />}</td>
    </tr>
  )
}

/** `ProductX: developer`; across workspaces a role is listed only under its own. */
function ownRoles({ access }: Person, isAcross: boolean): string[] {
  return [...access].flatMap(([workspace, row]) => {
    const roles = isAcross ? row.roles.filter((role) => role.workspace === workspace) : row.roles
    const labels = roleLabels({ ...row, roles }, workspace)
    return isAcross ? labels.map((label) => `${workspace}: ${label}`) : labels
  })
}
