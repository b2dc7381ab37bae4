import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Entitlements } from '../../../src/schema/entitlement.ts'
import { Panel } from '../parts/panel.tsx'
import { Refusal } from '../parts/refusal.tsx'
import { AccessMatrix, type Chosen } from './access-matrix.tsx'
import { entitlementsQuery } from './access-queries.ts'
import classes from './entitled.module.css'
import { ExtentMark } from './extent-mark.tsx'
import { extentWords, verbs } from './extents.ts'

const extents = ['all', 'some', 'none'] as const

/** The entitlement matrix of a workspace, and the rules behind the cell that is chosen. */
export function Entitled({ workspace }: { readonly workspace: string }) {
  const { data, error, refetch } = useQuery(entitlementsQuery(workspace))
  const [chosen, setChosen] = useState<Chosen>()
  if (error !== null)
    return <Refusal error={error} what="who may do what" onRetry={() => void refetch()} />
  if (data === undefined) return <Skeleton height={280} />
  return (
    <div className={classes.columns}>
      <Panel
        title={`${data.principals.length} principals`}
        hint={`of whom a role reaches ${data.workspace}, at revision ${data.revision}`}
        aside={<Legend />}
        flush
      >
        <AccessMatrix entitlements={data} chosen={chosen} onChoose={setChosen} />
      </Panel>
      <Reasons entitlements={data} chosen={chosen} />
    </div>
  )
}

function Legend() {
  return (
    <span className={classes.legend} aria-hidden="true">
      {extents.map((extent) => (
        <span key={extent}>
          <ExtentMark extent={extent} /> {extentWords[extent]}
        </span>
      ))}
      <span>in order: create, read, update, delete</span>
    </span>
  )
}

type ReasonsProps = {
  readonly entitlements: Entitlements
  readonly chosen: Chosen | undefined
}

function Reasons({ entitlements, chosen }: ReasonsProps) {
  const row = entitlements.principals.find(({ principal }) => principal.id === chosen?.principal)
  const cells = row?.may[chosen?.kind ?? '']
  if (row === undefined || chosen === undefined || cells === undefined)
    return <p className={classes.tip}>Choose a cell to see by which rules it is as it is.</p>
  return (
    <Panel title={`${row.principal.name} and ${chosen.kind}`}>
      <dl className={classes.reasons}>
        {verbs.map((verb) => (
          <div key={verb}>
            <dt data-extent={cells[verb].extent}>
              {verb}: {extentWords[cells[verb].extent]}
            </dt>
            <dd>
              {entitlements.rules[cells[verb].rule] ??
                (cells[verb].extent === 'some'
                  ? 'Only what a rule names; about the others no rule speaks.'
                  : 'No rule speaks about it, and what is not allowed is denied.')}
            </dd>
          </div>
        ))}
      </dl>
    </Panel>
  )
}
