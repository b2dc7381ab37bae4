import { Drawer } from '@mantine/core'
import { text, type EntityRecord } from '../api/entities.ts'
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
    <Drawer
      opened={person !== undefined}
      onClose={onClose}
      position="right"
      size={560}
      title={person === undefined ? '' : text(person, 'name')}
      overlayProps={{ backgroundOpacity: 0.12 }}
      transitionProps={{ duration: 120 }}
      classNames={{
        content: classes.content ?? '',
        header: classes.header ?? '',
        body: classes.inner ?? '',
        title: classes.title ?? '',
      }}
      closeButtonProps={{ 'aria-label': 'Close the principal' }}
    >
      {person !== undefined && (
        <>
          <GivenRoles workspace={workspace} user={person.id} />
          <TokenList user={person.id} />
        </>
      )}
    </Drawer>
  )
}
