import type { Search } from './search.ts'

/** What stays when one page leads to another: the workspace and the time range, not the filters. */
export const keepView = ({ workspace, range, live }: Search): Search => ({
  ...(workspace === undefined ? {} : { workspace }),
  ...(range === undefined ? {} : { range }),
  ...(live === undefined ? {} : { live }),
})
