import { Drawer } from '@mantine/core'
import type { ReactNode } from 'react'
import classes from './side-drawer.module.css'

type SideDrawerProps = {
  readonly isOpen: boolean
  readonly onClose: () => void
  readonly title: string
  /** For the label of the close button, for example `the record`. */
  readonly what: string
  readonly width?: number
  readonly children: ReactNode
}

/** Details beside the page. */
export function SideDrawer({
  isOpen,
  onClose,
  title,
  what,
  width = 560,
  children,
}: SideDrawerProps) {
  return (
    <Drawer
      opened={isOpen}
      onClose={onClose}
      position="right"
      size={width}
      title={title}
      overlayProps={{ backgroundOpacity: 0.12 }}
      transitionProps={{ duration: 120 }}
      classNames={{
        content: classes.content ?? '',
        header: classes.header ?? '',
        body: classes.inner ?? '',
        title: classes.title ?? '',
      }}
      closeButtonProps={{ 'aria-label': `Close ${what}` }}
    >
      {children}
    </Drawer>
  )
}
