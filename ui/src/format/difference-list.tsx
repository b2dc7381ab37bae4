import type { ReactNode } from 'react'
import type { EntityDifference, FieldDifference } from '../../../src/schema/config-difference.ts'
import classes from './difference-list.module.css'

type DifferenceListProps<Item extends EntityDifference> = {
  readonly items: readonly Item[]
  readonly renderBelow?: (item: Item) => ReactNode
}

const maxShown = 200
const verbs = { create: 'created', update: 'updated', delete: 'deleted' } as const

/** Changed entities, field by field. */
export function DifferenceList<Item extends EntityDifference>({
  items,
  renderBelow,
}: DifferenceListProps<Item>) {
  return (
    <>
      <ul className={classes.list}>
        {items.slice(0, maxShown).map((item, at) => (
          <li
            key={`${item.entity} ${item.id} ${at}`}
            className={classes.item}
            data-kind={item.kind}
          >
            <p className={classes.head}>
              <span className={classes.verb}>{verbs[item.kind]}</span>
              {item.entity.replaceAll('-', ' ')} <b>{item.name}</b>
              {item.under !== '' && <small>of {item.under}</small>}
            </p>
            {item.fields.length > 0 && (
              <dl className={classes.fields}>
                {item.fields.map((field) => (
                  <Field key={field.path} field={field} />
                ))}
              </dl>
            )}
            {renderBelow?.(item)}
          </li>
        ))}
      </ul>
      {items.length > maxShown && (
        <p className={classes.more}>{items.length - maxShown} more not shown</p>
      )}
    </>
  )
}

function Field({ field }: { readonly field: FieldDifference }) {
  const { path, before, after, secret } = field
  if (secret)
    return (
      <div className={classes.field}>
        <dt>{path}</dt>
        <dd className={classes.hidden}>secret, not shown</dd>
      </div>
    )
  return (
    <div className={classes.field}>
      <dt>{path}</dt>
      {before !== undefined && (
        <dd className={classes.before} aria-label={`before: ${valueText(before)}`}>
          {valueText(before)}
        </dd>
      )}
      {after !== undefined && (
        <dd className={classes.after} aria-label={`after: ${valueText(after)}`}>
          {valueText(after)}
        </dd>
      )}
    </div>
  )
}

const valueText = (value: unknown): string =>
  typeof value === 'string' ? value : JSON.stringify(value)
