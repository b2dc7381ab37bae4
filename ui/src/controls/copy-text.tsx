import { Button, CopyButton } from '@mantine/core'
import { IconCheck, IconCopy } from '@tabler/icons-react'

type CopyTextProps = { readonly text: string; readonly title: string }

/** A button that copies text to the clipboard. */
export function CopyText({ text, title }: CopyTextProps) {
  return (
    <CopyButton value={text} timeout={1600}>
      {({ copied, copy }) => (
        <Button
          size="compact-xs"
          variant="default"
          onClick={copy}
          leftSection={copied ? <IconCheck size={13} /> : <IconCopy size={13} stroke={1.7} />}
        >
          {copied ? 'Copied' : title}
        </Button>
      )}
    </CopyButton>
  )
}
