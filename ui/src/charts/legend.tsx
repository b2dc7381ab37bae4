import classes from './legend.module.css'

/** One entry of a legend. */
export type LegendEntry = { readonly name: string; readonly color: string; readonly value?: string }

/** The names and colors of a chart's series, with a number each when there is one. */
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
