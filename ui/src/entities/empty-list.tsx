import { Code } from '@mantine/core'
import { Notice } from '../parts/notice.tsx'
import type { Kind } from './kinds.ts'

/** What an EmptyList teaches. */
type EmptyListProps = { readonly kind: Kind; readonly workspace: string }

/** In the place of a list that is empty: what such a thing is for, and how to make the first. */
export function EmptyList({ kind, workspace }: EmptyListProps) {
  const Glyph = kind.icon
  return (
    <Notice icon={<Glyph size={28} stroke={1.5} />} title={`No ${kind.plural} yet`}>
      <p>{kind.teach}</p>
      <Code block mt="sm" ta="left" style={{ whiteSpace: 'pre-wrap' }}>
        {`curl -H "Kong-Admin-Token: $TOKEN" \\\n  http://127.0.0.1:8001/${workspace}${kind.example.replaceAll(/ (?=-[dF])/g, ' \\\n  ')}`}
      </Code>
    </Notice>
  )
}
