import { SegmentedControl } from '@mantine/core'
import { IconCheck, IconX } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { entityQuery, type EntityRecord } from '../api/entities.ts'
import { CopyText } from '../controls/copy-text.tsx'
import { formatDate, formatDuration, absent } from '../format/format.ts'
import { Panel } from '../layout/panel.tsx'
import { Masked } from '../notices/masked.tsx'
import { Chips } from './chips.tsx'
import classes from './configuration.module.css'
import { describeFields, type Field } from './describe-fields.ts'
import { EntityLink } from './entity-link.tsx'
import { entityTitle, type Kind, kinds } from './kinds.ts'

/** What a Configuration shows. */
type ConfigurationProps = {
  readonly kind: Kind
  readonly workspace: string
  readonly entity: EntityRecord
}

/** All fields of an entity in a readable form, or its JSON; secrets in neither. */
export function Configuration({ kind, workspace, entity }: ConfigurationProps) {
  const [form, setForm] = useState('fields')
  const fields = describeFields(kind.plural, entity)
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

/** What a FieldValue shows. */
type FieldValueProps = {
  readonly name: string
  readonly value: unknown
  readonly workspace: string
  /** Name of the kind of entity to which it refers, where its own name does not say. */
  readonly refersTo?: string | undefined
}

/** A value of a field as people read it. */
function FieldValue({ name, value, workspace, refersTo = name }: FieldValueProps) {
  if (isAbsent(value)) return <span className={classes.none}>{absent}</span>
  if (typeof value === 'boolean') return <Truth value={value} />
  if (typeof value === 'number') return <>{numberWords(name, value)}</>
  if (Array.isArray(value))
    return (
      <span className={classes.wrap}>
        <Chips values={value.map((item) => wordsOf(item))} mono />
      </span>
    )
  if (typeof value === 'object' && value !== null) {
    const kind = kinds.find(({ singular }) => singular === refersTo.replaceAll(/[-_]/g, ' '))
    if (kind !== undefined && 'id' in value && typeof value.id === 'string')
      return <Reference kind={kind} workspace={workspace} id={value.id} />
    return <Members value={value} workspace={workspace} />
  }
  return <Words name={name} text={wordsOf(value)} />
}

function Words({ name, text }: { readonly name: string; readonly text: string }) {
  if (text.includes('\n')) return <pre className={classes.lines}>{text}</pre>
  return <span className={name === 'id' ? classes.mono : undefined}>{text}</span>
}

function Truth({ value }: { readonly value: boolean }) {
  return (
    <span className={classes.truth} data-true={value || undefined}>
      {value ? <IconCheck size={14} stroke={2.2} /> : <IconX size={14} stroke={2} />}
      {value ? 'yes' : 'no'}
    </span>
  )
}

function Members({ value, workspace }: { readonly value: object; readonly workspace: string }) {
  const members = Object.entries(value)
  if (members.length === 0) return <span className={classes.none}>none</span>
  return (
    <dl className={classes.members}>
      {members.map(([name, member]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            <FieldValue name={name} value={member} workspace={workspace} />
          </dd>
        </div>
      ))}
    </dl>
  )
}

type ReferenceProps = { readonly kind: Kind; readonly workspace: string; readonly id: string }

function Reference({ kind, workspace, id }: ReferenceProps) {
  const { data } = useQuery({ ...entityQuery(workspace, kind.plural, id), staleTime: 60_000 })
  return (
    <EntityLink plural={kind.plural} workspace={workspace} id={id} strong>
      {data === undefined ? id : entityTitle(kind, data)}
    </EntityLink>
  )
}

function numberWords(name: string, value: number): string {
  if (name.endsWith('_timeout')) return formatDuration(value)
  if (name.endsWith('_at')) return formatDate(value * 1000)
  return String(value)
}

const isAbsent = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  value === '' ||
  (Array.isArray(value) && value.length === 0)

const wordsOf = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value)
