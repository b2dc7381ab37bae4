import { SegmentedControl } from '@mantine/core'
import { useState } from 'react'
import type { EntityRecord } from '../api/entities.ts'
import { CopyText } from '../parts/copy-text.tsx'
import { Panel } from '../parts/panel.tsx'
import classes from './configuration.module.css'
import { FieldValue } from './field-value.tsx'
import { fieldsOf } from './fields-of.ts'
import type { Kind } from './kinds.ts'

/** What a Configuration shows. */
type ConfigurationProps = {
  readonly kind: Kind
  readonly workspace: string
  readonly entity: EntityRecord
}

/** All fields of an entity in a readable form, or its JSON. */
export function Configuration({ kind, workspace, entity }: ConfigurationProps) {
  const [form, setForm] = useState('fields')
  return (
    <Panel
      title="Configuration"
      flush
      aside={
        <SegmentedControl
          size="xs"
          aria-label="Form of the configuration"
          value={form}
          onChange={setForm}
          data={[
            { value: 'fields', label: 'Fields' },
            { value: 'json', label: 'JSON' },
          ]}
        />
      }
    >
      {form === 'json' ? (
        <Json entity={entity} />
      ) : (
        <dl className={classes.fields}>
          {fieldsOf(kind.singular, entity).map(({ name, about, value }) => (
            <div key={name} className={classes.field}>
              <dt>
                {name}
                {about !== undefined && <small>{about}</small>}
              </dt>
              <dd>
                <FieldValue name={name} value={value} workspace={workspace} />
              </dd>
            </div>
          ))}
        </dl>
      )}
    </Panel>
  )
}

function Json({ entity }: { readonly entity: EntityRecord }) {
  const json = JSON.stringify(entity, undefined, 2)
  return (
    <div className={classes.json}>
      <span className={classes.copy}>
        <CopyText text={json} title="Copy" />
      </span>
      <pre>{json}</pre>
    </div>
  )
}
