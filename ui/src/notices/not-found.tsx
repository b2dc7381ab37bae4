import { Button } from '@mantine/core'
import { IconMapOff } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { Notice } from './notice.tsx'

/** The page for an address that leads nowhere. */
export function NotFound() {
  return (
    <Notice
      icon={<IconMapOff size={28} stroke={1.5} />}
      title="There is no such page"
      action={
        <Button variant="default" renderRoot={(props) => <Link to="/" {...props} />}>
          Go to the overview
        </Button>
      }
    >
      The address may be mistyped, or what it named may be gone.
    </Notice>
  )
}
