import { Kbd, Modal, UnstyledButton } from '@mantine/core'
import { useDisclosure, useHotkeys } from '@mantine/hooks'
import { IconSearch } from '@tabler/icons-react'
import classes from './command-palette.module.css'
import { PaletteList } from './palette-list.tsx'

/** The search button of the header and the palette it opens (Ctrl+K, ⌘K). */
export function CommandPalette() {
  const [isOpen, { open, close, toggle }] = useDisclosure(false)
  useHotkeys([['mod+K', toggle]], [])
  const isApple = /Mac|iPhone|iPad/.test(navigator.platform)

  return (
    <>
      <UnstyledButton className={classes.opener} onClick={open} aria-label="Search">
        <IconSearch size={15} stroke={1.8} />
        <span>Search…</span>
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
        aria-label="Search"
      >
        <PaletteList onDone={close} />
      </Modal>
    </>
  )
}
