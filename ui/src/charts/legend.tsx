import classes from './legend.module.css'

export type LegendEntry = { readonly name: string; readonly color: string; readonly value?: string }

/** The series of a chart with their colors and totals. */
export function Legend({ entries }: { readonly entries: readonly LegendEntry[] }) {
  return (
    <ul className={classes.legend}>
      {entries.map(({ name, color, value }) => (
        <li key={name}>
          <span className={classes.mark} style={{ background: color }} />
          {name}
          {value !== undefined && <b>{value}</b>}
        </li>
      ))}
    </ul>
  )
}
