import classes from './chips.module.css'

type ChipsProps = { readonly values: readonly string[]; readonly mono?: boolean }

/** A row of framed labels. */
export function Chips({ values, mono = false }: ChipsProps) {
  return (
    <span className={classes.chips} title={values.join(', ')}>
      {values.map((value) => (
        <span key={value} className={classes.chip} data-mono={mono || undefined}>
          {value}
        </span>
      ))}
    </span>
  )
}
