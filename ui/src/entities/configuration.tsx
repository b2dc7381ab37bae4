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

type ConfigurationProps = {
  readonly kind: Kind
  readonly workspace: string
  readonly entity: EntityRecord
}

/** The fields of an entity as a list or as JSON, without secrets. */
export function Configuration({ kind, workspace, entity }: ConfigurationProps) {
  const [view, setView] = useState('fields')
  const fields = describeFields(kind.plural, entity)
  return (
    <Panel
      title="Configuration"
      flush
      aside={
        <SegmentedControl
          size="xs"
          aria-label="View as"
          value={view}
          onChange={setView}
          data={[
            { value: 'fields', label: 'Fields' },
            { value: 'json', label: 'JSON' },
          ]}
        />
      }
    >
      {view === 'json' ? (
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

const hidden = 'Not shown here. The Admin API returns it to those who may update this object.'

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

type FieldValueProps = {
  readonly name: string
  readonly value: unknown
  readonly workspace: string
  /** The kind of entity it refers to, if that differs from its name. */
  readonly refersTo?: string | undefined
}

/** A formatted field value. */
function FieldValue({ name, value, workspace, refersTo = name }: FieldValueProps) {
  if (isEmpty(value)) return <span className={classes.none}>{absent}</span>
  if (typeof value === 'boolean') return <BooleanValue value={value} />
  if (typeof value === 'number') return <>{formatNumber(name, value)}</>
  if (Array.isArray(value))
    return (
      <span className={classes.wrap}>
        <Chips values={value.map((item) => valueText(item))} mono />
      </span>
    )
  if (typeof value === 'object' && value !== null) {
    const kind = kinds.find(({ singular }) => singular === refersTo.replaceAll(/[-_]/g, ' '))
    if (kind !== undefined && 'id' in value && typeof value.id === 'string')
      return <Reference kind={kind} workspace={workspace} id={value.id} />
    return <Members value={value} workspace={workspace} />
  }
  return <TextValue name={name} text={valueText(value)} />
}

function TextValue({ name, text }: { readonly name: string; readonly text: string }) {
  if (text.includes('\n')) return <pre className={classes.lines}>{text}</pre>
  return <span className={name === 'id' ? classes.mono : undefined}>{text}</span>
}

function BooleanValue({ value }: { readonly value: boolean }) {
  return (
    <span className={classes.boolean} data-true={value || undefined}>
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

function formatNumber(name: string, value: number): string {
  if (name.endsWith('_timeout')) return formatDuration(value)
  if (name.endsWith('_at')) return formatDate(value * 1000)
  return String(value)
}

const isEmpty = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  value === '' ||
  (Array.isArray(value) && value.length === 0)

const valueText = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value)
