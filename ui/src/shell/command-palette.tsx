import { Kbd, Modal, UnstyledButton } from '@mantine/core'
import { useDisclosure, useHotkeys } from '@mantine/hooks'
import { IconSearch } from '@tabler/icons-react'
import classes from './command-palette.module.css'
import { PaletteList } from './palette-list.tsx'

/** The search field of the header, and the palette it opens (Ctrl or Cmd and K). */
export function CommandPalette() {
  const [isOpen, { open, close, toggle }] = useDisclosure(false)
  useHotkeys([['mod+K', toggle]], [])
  const isApple = /Mac|iPhone|iPad/.test(navigator.platform)

  return (
    <>
      <UnstyledButton className={classes.opener} onClick={open} aria-label="Search or jump to">
        <IconSearch size={15} stroke={1.8} />
        <span>Search or jump to…</span>
        <Kbd size="xs">{isApple ? '⌘ K' : 'Ctrl K'}</Kbd>
      </UnstyledButton>
      <Modal
        opened={isOpen}
        onClose={close}
        withCloseButton={false}
        padding={0}
        size={560}
        yOffset="12vh"
        radius="lg"
        overlayProps={{ backgroundOpacity: 0.25 }}
        transitionProps={{ duration: 90 }}
        classNames={{ content: classes.content ?? '' }}
        aria-label="Search or jump to"
      >
        <PaletteList onDone={close} />
      </Modal>
    </>
  )
}
