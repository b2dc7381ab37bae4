import { IconLock } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { metaQuery } from '../api/analytics.ts'
import { Notice } from '../parts/notice.tsx'

/** In the place of what the viewer may read in no workspace: which rules say so, and whom to ask. */
export function NoAccess({ what }: { readonly what: string }) {
  const { data } = useQuery(metaQuery)
  return (
    <Notice icon={<IconLock size={28} stroke={1.5} />} title={`You may not read ${what}`}>
      <p>None of your roles lets you read {what} in any workspace.</p>
      {data?.visibility.because.map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
      <p>Ask an administrator of the workspace for a role that may read them.</p>
    </Notice>
  )
}
