import { ActionIcon, Tooltip } from '@mantine/core'
import { IconEye, IconEyeOff } from '@tabler/icons-react'
import { useState } from 'react'
import { text, type EntityRecord } from '../api/entities.ts'
import { CopyText } from '../parts/copy-text.tsx'
import classes from './credential.module.css'

/** An API key, hidden until it is asked for. */
export function Credential({ entity }: { readonly entity: EntityRecord }) {
  const [isShown, setShown] = useState(false)
  const key = text(entity, 'key')
  const words = isShown ? 'Hide the key' : 'Show the key'
  return (
    <>
      <code className={classes.key}>{isShown ? key : '•'.repeat(20)}</code>
      <span className={classes.actions}>
        <Tooltip label={words}>
          <ActionIcon
            size="sm"
            variant="subtle"
            color="gray"
            aria-label={words}
            onClick={() => setShown(!isShown)}
          >
            {isShown ? <IconEyeOff size={15} stroke={1.7} /> : <IconEye size={15} stroke={1.7} />}
          </ActionIcon>
        </Tooltip>
        <CopyText text={key} title="Copy" />
      </span>
    </>
  )
}
