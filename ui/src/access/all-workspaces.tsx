import { Skeleton } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { EntitlementRow } from '../../../src/schema/entitlement.ts'
import { Panel } from '../layout/panel.tsx'
import { ErrorState } from '../notices/error-state.tsx'
import { WorkspaceAvatar } from '../shell/workspace-avatar.tsx'
import { keepScope } from '../view/search.ts'
import { roleLabels } from './access-queries.ts'
import classes from './all-workspaces.module.css'
import { type Person, usePeople } from './use-people.ts'
import { actions } from './workspace-matrix.tsx'

/** Principals by workspace: their roles in each, and how far these reach. */
export function AllWorkspaces({ workspaces }: { readonly workspaces: readonly string[] }) {
  const { people, isPending, error, isComplete, refetch } = usePeople(workspaces)
  if (error !== null) return <ErrorState error={error} what="permissions" onRetry={refetch} />
  if (isPending) return <Skeleton height={280} />
  const scope = isComplete
    ? `${workspaces.length} workspaces`
    : `with a role in ${workspaces.join(', ')}; you may not list other principals`
  return (
    <Panel title={`${people.length} principals`} hint={scope} flush>
      <div className={classes.scroll}>
        <table className={classes.table}>
          <thead>
            <tr>
              <th scope="col">Principal</th>
              {workspaces.map((name) => (
                <th key={name} scope="col">
                  <WorkspaceAvatar name={name} /> {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {people.map((person) => (
              <Row key={person.id} person={person} workspaces={workspaces} />
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  )
}

type RowProps = { readonly person: Person; readonly workspaces: readonly string[] }

function Row({ person, workspaces }: RowProps) {
  return (
    <tr>
      <th scope="row">
        <b>{person.name}</b>
        <small>{person.kind.replace('-', ' ')}</small>
      </th>
      {workspaces.map((name) => {
        const row = person.access.get(name)
        return (
          <td key={name}>
            {row === undefined ? (
              <span className={classes.none}>No access</span>
            ) : (
              <Link
                to="/access"
                search={(previous) => ({ ...keepScope(previous), workspace: name })}
                className={classes.cell}
              >
                <b>{accessLevel(row)}</b>
                <small>{roleLabels(row, name).join(', ')}</small>
              </Link>
            )}
          </td>
        )
      })}
    </tr>
  )
}

/** The level of access of a principal to a workspace. */
function accessLevel({ may }: EntitlementRow): string {
  const cells = Object.values(may).flatMap((kind) =>
    actions.map((action) => ({ action, extent: kind[action].extent })),
  )
  if (cells.every(({ extent }) => extent === 'all')) return 'Full access'
  const mayWrite = cells.some(({ action, extent }) => action !== 'read' && extent !== 'none')
  const readsAll = cells.every(({ action, extent }) => action !== 'read' || extent === 'all')
  return readsAll && !mayWrite ? 'Read only' : 'Partial access'
}
