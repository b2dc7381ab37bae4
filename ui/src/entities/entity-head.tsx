import { Anchor } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { EntityRecord } from '../api/entities.ts'
import { PageHead } from '../parts/page-head.tsx'
import { keepView } from '../view/keep-view.ts'
import { Chips } from './chips.tsx'
import { tagsOf } from './entity-columns.tsx'
import classes from './entity-head.module.css'
import { titleOf, type Kind } from './kinds.ts'
import { State } from './state.tsx'

/** Whose page it is, and its controls. */
type EntityHeadProps = {
  readonly kind: Kind
  readonly workspace: string
  readonly entity: EntityRecord
  readonly about?: string
  readonly children?: ReactNode
}

/** The first line of an entity's page: where it belongs, its name, state and tags. */
export function EntityHead({ kind, workspace, entity, about, children }: EntityHeadProps) {
  return (
    <PageHead
      title={
        <span className={classes.title}>
          {titleOf(kind, entity)} <State entity={entity} /> <Chips values={tagsOf(entity)} />
        </span>
      }
      before={<Whereabouts kind={kind} workspace={workspace} />}
      {...(about === undefined ? {} : { about })}
    >
      {children}
    </PageHead>
  )
}

function Whereabouts({ kind, workspace }: { readonly kind: Kind; readonly workspace: string }) {
  return (
    <p className={classes.whereabouts}>
      <Anchor
        inherit
        c="dimmed"
        renderRoot={(props) => (
          <Link to="/$plural" params={{ plural: kind.plural }} search={keepView} {...props} />
        )}
      >
        {kind.title}
      </Anchor>{' '}
      / {workspace}
    </p>
  )
}
