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

/** Reports that a workspace differs from its last sync; renders nothing otherwise. */
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
            Show drift
          </Button>
        }
      >
        {driftText(workspace, drift)}
      </Banner>
      <SideDrawer
        isOpen={isOpen}
        onClose={() => setOpen(false)}
        title={`Drift in ${workspace}`}
        what="the drift"
        width={620}
      >
        <p className={classes.text}>
          Last synced in revision {drift.synced.revision} by {drift.synced.principal},{' '}
          {formatDate(drift.synced.time)}. Changed since:
        </p>
        <DifferenceList items={drift.items} renderBelow={({ by }) => <Authors authors={by} />} />
      </SideDrawer>
    </>
  )
}

function driftText(workspace: string, { items, synced }: Drift): string {
  const authors = [...new Set(items.flatMap(({ by }) => by.map(({ principal }) => principal)))]
  const what = items.length === 1 ? '1 entity differs' : `${items.length} entities differ`
  return `${workspace} has drifted from revision ${synced?.revision}: ${what}, changed by ${authors.join(', ')}.`
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
