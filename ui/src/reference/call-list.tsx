import type { Call } from './group-api.ts'
import classes from './reference-page.module.css'

/** What can be asked, one line for each path with its methods; the shortest paths first. */
export function CallList({ calls }: { readonly calls: readonly Call[] }) {
  const byPath = [...Map.groupBy(calls, ({ path }) => path)]
  return (
    <ul className={classes.calls}>
      {byPath
        .toSorted(([a], [b]) => depthOf(a) - depthOf(b))
        .map(([path, methods]) => (
          <li key={path}>
            <code>{path}</code>
            <span className={classes.methods}>
              {methods.map(({ method, summary }) => (
                <span key={method} data-method={method} title={summary}>
                  {method}
                </span>
              ))}
            </span>
          </li>
        ))}
    </ul>
  )
}

const depthOf = (path: string): number => path.split('/').length
