import { Skeleton, UnstyledButton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { EntitlementRow, Entitlements, Extent } from '../../../src/schema/entitlement.ts'
import { Panel } from '../layout/panel.tsx'
import { ErrorState } from '../notices/error-state.tsx'
import { entitlementsQuery, roleLabels } from './access-queries.ts'
import classes from './workspace-matrix.module.css'

/** The four actions, in the order of the marks in a cell. */
export const actions = ['create', 'read', 'update', 'delete'] as const

const extents = ['all', 'some', 'none'] as const
const extentLabels = { all: 'all', some: 'some', none: 'none' } as const

type Cell = { readonly principal: string; readonly kind: string }

/** Principals down, kinds of entities across, and the rules behind the selected cell. */
export function WorkspaceMatrix({ workspace }: { readonly workspace: string }) {
  const { data, error, refetch } = useQuery(entitlementsQuery(workspace))
  const [selected, setSelected] = useState<Cell>()
  if (error !== null)
    return (
      <ErrorState
        error={error}
        what={`permissions in ${workspace}`}
        onRetry={() => void refetch()}
      />
    )
  if (data === undefined) return <Skeleton height={280} />
  return (
    <div className={classes.columns}>
      <Panel
        title={`${data.principals.length} principals`}
        hint={`with access to ${data.workspace} at revision ${data.revision}`}
        aside={<Legend />}
        flush
      >
        <Matrix entitlements={data} selected={selected} onSelect={setSelected} />
      </Panel>
      <Rules entitlements={data} selected={selected} />
    </div>
  )
}

type MatrixProps = {
  readonly entitlements: Entitlements
  readonly selected: Cell | undefined
  readonly onSelect: (cell: Cell) => void
}

function Matrix({ entitlements, selected, onSelect }: MatrixProps) {
  const { workspace, kinds, principals } = entitlements
  return (
    <div className={classes.scroll}>
      <table className={classes.matrix}>
        <thead>
          <tr>
            <th scope="col">Principal</th>
            {kinds.map((kind) => (
              <th key={kind} scope="col" className={classes.kind}>
                <span>{kind.replaceAll('_', ' ')}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {principals.map((row) => (
            <tr key={row.principal.id}>
              <th scope="row">
                <b>{row.principal.name}</b>
                <small>{roleLabels(row, workspace).join(', ')}</small>
              </th>
              {kinds.map((kind) => (
                <td key={kind}>
                  <UnstyledButton
                    className={classes.cell}
                    aria-label={cellLabel(row, kind)}
                    aria-pressed={
                      selected?.principal === row.principal.id && selected.kind === kind
                    }
                    onClick={() => onSelect({ principal: row.principal.id, kind })}
                  >
                    {actions.map((action) => (
                      <ExtentMark key={action} extent={row.may[kind]?.[action].extent ?? 'none'} />
                    ))}
                  </UnstyledButton>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

const cellLabel = ({ principal, may }: EntitlementRow, kind: string): string => {
  const labels = actions.map(
    (action) => `${action} ${extentLabels[may[kind]?.[action].extent ?? 'none']}`,
  )
  return `${principal.name}, ${kind}: ${labels.join('; ')}`
}

function ExtentMark({ extent }: { readonly extent: Extent }) {
  return <i className={classes.mark} data-extent={extent} />
}

function Legend() {
  return (
    <span className={classes.legend} aria-hidden="true">
      {extents.map((extent) => (
        <span key={extent}>
          <ExtentMark extent={extent} /> {extentLabels[extent]}
        </span>
      ))}
      <span>Create, read, update, delete</span>
    </span>
  )
}

type RulesProps = { readonly entitlements: Entitlements; readonly selected: Cell | undefined }

function Rules({ entitlements, selected }: RulesProps) {
  const row = entitlements.principals.find(({ principal }) => principal.id === selected?.principal)
  const cells = row?.may[selected?.kind ?? '']
  if (row === undefined || selected === undefined || cells === undefined)
    return <p className={classes.hint}>Select a cell to see the rules behind it.</p>
  return (
    <Panel title={`${row.principal.name}: ${selected.kind.replaceAll('_', ' ')}`}>
      <dl className={classes.reasons}>
        {actions.map((action) => (
          <div key={action}>
            <dt data-extent={cells[action].extent}>
              {action}: {extentLabels[cells[action].extent]}
            </dt>
            <dd>
              {entitlements.rules[cells[action].rule] ??
                (cells[action].extent === 'some'
                  ? 'Allowed only for entities that a rule names.'
                  : 'No rule applies; the default is deny.')}
            </dd>
          </div>
        ))}
      </dl>
    </Panel>
  )
}
