import { SegmentedControl } from '@mantine/core'
import { useState } from 'react'
import type { EntityRecord } from '../api/entities.ts'
import { CopyText } from '../parts/copy-text.tsx'
import { Masked } from '../parts/masked.tsx'
import { Panel } from '../parts/panel.tsx'
import classes from './configuration.module.css'
import { FieldValue } from './field-value.tsx'
import { fieldsOf, type Field } from './fields-of.ts'
import type { Kind } from './kinds.ts'

/** What a Configuration shows. */
type ConfigurationProps = {
  readonly kind: Kind
  readonly workspace: string
  readonly entity: EntityRecord
}

/** All fields of an entity in a readable form, or its JSON; secrets in neither. */
export function Configuration({ kind, workspace, entity }: ConfigurationProps) {
  const [form, setForm] = useState('fields')
  const fields = fieldsOf(kind.plural, entity)
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
        <Json fields={fields} />
      ) : (
        <dl className={classes.fields}>
          {fields.map(({ name, about, value, refersTo, isSecret }) => (
            <div key={name} className={classes.field}>
              <dt>
                {name}
                {about !== undefined && <small>{about}</small>}
              </dt>
              <dd>
                {isSecret && value !== null ? (
                  <Masked reason={hidden} />
                ) : (
                  <FieldValue {...{ name, value, workspace, refersTo }} />
                )}
              </dd>
            </div>
          ))}
        </dl>
      )}
    </Panel>
  )
}

const hidden = 'Never shown here; the Admin API tells it to those who may change it.'

function Json({ fields }: { readonly fields: readonly Field[] }) {
  const shown = fields.filter(({ isSecret }) => !isSecret)
  const json = JSON.stringify(
    Object.fromEntries(shown.map(({ name, value }) => [name, value])),
    undefined,
    2,
  )
  return (
    <div className={classes.json}>
      <span className={classes.copy}>
        <CopyText text={json} title="Copy" />
      </span>
      <pre>{json}</pre>
    </div>
  )
}
