import { text, type EntityRecord } from '../api/entities.ts'
import { SideDrawer } from '../parts/side-drawer.tsx'
import { GivenRoles } from './given-roles.tsx'
import classes from './person-drawer.module.css'
import { TokenList } from './token-list.tsx'

/** What a PersonDrawer shows. */
type PersonDrawerProps = {
  readonly workspace: string
  readonly person: EntityRecord | undefined
  readonly onClose: () => void
}

/** A principal beside the page: the roles they have in the workspace, and their tokens. */
export function PersonDrawer({ workspace, person, onClose }: PersonDrawerProps) {
  return (
    <SideDrawer
      isOpen={person !== undefined}
      onClose={onClose}
      title={person === undefined ? '' : text(person, 'name')}
      what="the principal"
    >
      {person !== undefined && (
        <div className={classes.sections}>
          <GivenRoles workspace={workspace} user={person.id} />
          <TokenList user={person.id} />
        </div>
      )}
    </SideDrawer>
  )
}
