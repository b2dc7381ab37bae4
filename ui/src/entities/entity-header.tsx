import { Anchor } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import type { EntityRecord } from '../api/entities.ts'
import { PageHeader } from '../layout/page.tsx'
import { keepScope } from '../view/search.ts'
import { Chips } from './chips.tsx'
import { EnabledBadge } from './enabled-badge.tsx'
import { entityTags } from './entity-columns.tsx'
import classes from './entity-header.module.css'
import { entityTitle, type Kind } from './kinds.ts'

type EntityHeaderProps = {
  readonly kind: Kind
  readonly workspace: string
  readonly entity: EntityRecord
  readonly about?: string
  readonly children?: ReactNode
}

/** The header of an entity's page: breadcrumb, name, state and tags. */
export function EntityHeader({ kind, workspace, entity, about, children }: EntityHeaderProps) {
  return (
    <PageHeader
      title={
        <span className={classes.title}>
          {entityTitle(kind, entity)} <EnabledBadge entity={entity} />{' '}
          <Chips values={entityTags(entity)} />
        </span>
      }
      before={<Breadcrumb kind={kind} workspace={workspace} />}
      {...(about === undefined ? {} : { about })}
    >
      {children}
    </PageHeader>
  )
}

function Breadcrumb({ kind, workspace }: { readonly kind: Kind; readonly workspace: string }) {
  return (
    <p className={classes.breadcrumb}>
      <Anchor
        inherit
        c="dimmed"
        renderRoot={(props) => (
          <Link to="/$plural" params={{ plural: kind.plural }} search={keepScope} {...props} />
        )}
      >
        {kind.title}
      </Anchor>{' '}
      / {workspace}
    </p>
  )
}
