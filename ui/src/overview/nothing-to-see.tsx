import { IconEyeOff } from '@tabler/icons-react'
import type { Visibility } from '../../../src/schema/answer.ts'
import { Notice } from '../parts/notice.tsx'

/** In the place of the charts for those who may see no requests at all: which rules say so, and whom to ask. */
export function NothingToSee({ visibility }: { readonly visibility: Visibility }) {
  return (
    <Notice icon={<IconEyeOff size={28} stroke={1.5} />} title={visibility.statement}>
      {visibility.because.map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
      <p>
        Requests are shown to those who may read their service. Ask an administrator for a role.
      </p>
    </Notice>
  )
}
