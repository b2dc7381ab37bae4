import { differencesOf, type FieldDifference } from './differences-of.ts'
import classes from './differences.module.css'

/** What Differences compares. */
type DifferencesProps = {
  readonly before: readonly unknown[]
  readonly after: readonly unknown[]
}

const mostShown = 50

/** What a change did, thing by thing and field by field. */
export function Differences({ before, after }: DifferencesProps) {
  const things = differencesOf(before, after)
  return (
    <>
      {things.slice(0, mostShown).map(({ id, entity, name, did, fields }) => (
        <section key={id} className={classes.thing}>
          <h3 className={classes.head}>
            {entity.replaceAll('-', ' ')} {name}
            <small>{did}</small>
          </h3>
          <dl>
            {fields.map((field) => (
              <Field key={field.field} difference={field} />
            ))}
          </dl>
        </section>
      ))}
      {things.length > mostShown && <p>{things.length - mostShown} more are in the record.</p>}
    </>
  )
}

function Field({ difference }: { readonly difference: FieldDifference }) {
  const { field, before, after } = difference
  return (
    <div className={classes.field}>
      <dt>{field}</dt>
      {before !== undefined && (
        <dd className={classes.was} aria-label={`was ${before}`}>
          {before}
        </dd>
      )}
      {after !== undefined && (
        <dd className={classes.is} aria-label={`is ${after}`}>
          {after}
        </dd>
      )}
    </div>
  )
}
