import classes from './chips.module.css'

/** What the Chips show. */
type ChipsProps = { readonly values: readonly string[]; readonly mono?: boolean }

/** Short words in a row, each in a frame. */
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
