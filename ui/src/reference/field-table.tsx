import type { FieldSchema } from './api-document.ts'
import classes from './reference-page.module.css'
import { nestedFields, typeLabel } from './type-label.ts'

/** The fields of a schema with type, default and description; nested records follow inline. */
export function FieldTable({ schema }: { readonly schema: FieldSchema }) {
  return (
    <dl className={classes.fields}>
      <Fields schema={schema} prefix="" />
    </dl>
  )
}

function Fields({ schema, prefix }: { readonly schema: FieldSchema; readonly prefix: string }) {
  const required = new Set(schema.required)
  return Object.entries(schema.properties ?? {}).map(([name, field]) => {
    const inner = isReference(field) ? undefined : nestedFields(field)
    return [
      <div key={prefix + name} className={classes.field}>
        <dt>
          <code>
            {prefix}
            {name}
          </code>
          <Marks field={field} isRequired={required.has(name)} />
        </dt>
        <dd>
          <span className={classes.type}>
            {isReference(field) ? 'reference by ID or name' : typeLabel(field)}
            {defaultLabel(field)}
          </span>
          {field.description}
        </dd>
      </div>,
      inner === undefined ? null : (
        <Fields key={`${prefix}${name}.`} schema={inner} prefix={`${prefix}${name}.`} />
      ),
    ]
  })
}

const isReference = ({ properties }: FieldSchema): boolean =>
  properties !== undefined && Object.keys(properties).join(' ') === 'id name username'

function Marks({
  field,
  isRequired,
}: {
  readonly field: FieldSchema
  readonly isRequired: boolean
}) {
  return (
    <>
      {isRequired && <small className={classes.required}>required</small>}
      {field.readOnly === true && <small>read-only</small>}
      {field.writeOnly === true && <small>write-only</small>}
    </>
  )
}

function defaultLabel({ default: value }: FieldSchema): string {
  const isWorthIt = value !== undefined && value !== null && typeof value !== 'object'
  return isWorthIt || Array.isArray(value) ? ` · default ${JSON.stringify(value)}` : ''
}
