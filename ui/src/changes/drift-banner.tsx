import { Button } from '@mantine/core'
import { IconGitBranch } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Drift, DriftAuthor } from '../../../src/schema/config-difference.ts'
import { DifferenceList } from '../format/difference-list.tsx'
import { formatDate } from '../format/format.ts'
import { SideDrawer } from '../layout/side-drawer.tsx'
import { Banner } from '../notices/banner.tsx'
import { driftQuery } from './changes-queries.ts'
import classes from './drift-banner.module.css'

/** Says that a workspace is not any more as it was synced from files, by whom, and shows what; says nothing while it is. */
export function DriftBanner({ workspace }: { readonly workspace: string }) {
  const { data: drift } = useQuery(driftQuery(workspace))
  const [isOpen, setOpen] = useState(false)
  if (drift?.synced === undefined || drift.items.length === 0) return null
  return (
    <>
      <Banner
        tone="warning"
        icon={<IconGitBranch size={17} stroke={1.7} />}
        action={
          <Button size="compact-xs" variant="default" onClick={() => setOpen(true)}>
            Show
          </Button>
        }
      >
        {sentenceOf(workspace, drift)}
      </Banner>
      <SideDrawer
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        title={`Drift of ${workspace}`}
        what="the drift"
        width={620}
      >
        <p className={classes.words}>
          Synced last in revision {drift.synced.revision}, {formatDate(drift.synced.time)}, by{' '}
          {drift.synced.principal}. Since then these were changed beside the files:
        </p>
        <DifferenceList items={drift.items} renderBelow={({ by }) => <Authors authors={by} />} />
      </SideDrawer>
    </>
  )
}

function sentenceOf(workspace: string, { items, synced }: Drift): string {
  const authors = [...new Set(items.flatMap(({ by }) => by.map(({ principal }) => principal)))]
  const what = items.length === 1 ? '1 entity differs' : `${items.length} entities differ`
  return `${workspace} is not as it was synced in revision ${synced?.revision}: ${what}, changed by ${authors.join(', ')}.`
}

function Authors({ authors }: { readonly authors: readonly DriftAuthor[] }) {
  return (
    <p className={classes.authors}>
      {authors
        .map(
          ({ principal, revision, time }) =>
            `${principal}, revision ${revision}, ${formatDate(time)}`,
        )
        .join(' · ')}
    </p>
  )
}
