import { Button } from '@mantine/core'
import { IconMapOff } from '@tabler/icons-react'
import { Link } from '@tanstack/react-router'
import { Notice } from './notice.tsx'

/** The page for an unknown address. */
export function NotFound() {
  return (
    <Notice
      icon={<IconMapOff size={28} stroke={1.5} />}
      title="Page not found"
      action={
        <Button variant="default" renderRoot={(props) => <Link to="/" {...props} />}>
          Go to the overview
        </Button>
      }
    >
      The address is wrong, or the object was deleted.
    </Notice>
  )
}
