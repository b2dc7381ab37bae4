import type { Extent } from './extents.ts'
import classes from './extent-mark.module.css'

/** How far an action goes: full for all, half for some by name, empty for none. */
export function ExtentMark({ extent }: { readonly extent: Extent }) {
  return <i className={classes.mark} data-extent={extent} />
}
