/** Retention of rows: days of the workspaces that have their own, and of all others. */
export type Retention = {
  readonly days: number
  readonly workspaces: WorkspaceDays
}

/** Days by id of the workspace. */
export type WorkspaceDays = ReadonlyMap<string, number>

export const keptFor = (days: number): Retention => ({ days, workspaces: new Map() })

/** The days of each workspace, as a function of the days that are configured. */
export const mapDays = (
  { days, workspaces }: Retention,
  change: (days: number) => number,
): Retention => ({
  days: change(days),
  workspaces: new Map([...workspaces].map(([id, own]) => [id, change(own)])),
})

export const longestOf = ({ days, workspaces }: Retention): number =>
  Math.max(days, ...workspaces.values())

/** Whether the rows of a part expire at different times, so that parts must not wait for their last row. */
export const isMixed = ({ days, workspaces }: Retention): boolean =>
  [...workspaces.values()].some((own) => own !== days)

/** As ClickHouse formats it, so that it can be found in table definitions. */
export function ttlClause(kept: Retention): string {
  const { days, workspaces } = mapDays(kept, (one) => Math.min(one, maxDays))
  const own = [...workspaces].filter(([, one]) => one !== days).toSorted(byId)
  const ids = own.map(([id]) => `'${id.replaceAll('\\', '\\\\').replaceAll(`'`, `\\'`)}'`)
  const all =
    own.length === 0
      ? String(days)
      : `transform(workspace, [${ids.join(', ')}], [${own.map(([, one]) => one).join(', ')}], ${days})`
  return `TTL toDateTime(time) + toIntervalDay(${all})`
}

/** The engine computes with DateTime, which ends in 2106: rows that are kept longer would expire at once. */
const maxDays = 20_000

/** The retention in the definition of a table in the engine. */
export function readTtl(engine: string): Retention | undefined {
  const [, list = '', days] =
    /toIntervalDay\((?:transform\(workspace, (\[.*?\], \[[\d, ]*\]), )?(\d+)\)/.exec(engine) ?? []
  if (days === undefined) return undefined
  const [ids = '', own = ''] = list.split('], [')
  const texts = [...ids.matchAll(/'((?:[^'\\]|\\.)*)'/g)].map(([, text = '']) =>
    text.replaceAll(/\\(.)/g, '$1'),
  )
  const numbers = own.match(/\d+/g) ?? []
  return {
    days: Number(days),
    workspaces: new Map(texts.map((id, at) => [id, Number(numbers[at])])),
  }
}

/** The fewest days that a workspace had and has more of now; undefined where none has. */
export function shortestLengthened(before: Retention, after: Retention): number | undefined {
  const ids = new Set([...before.workspaces.keys(), ...after.workspaces.keys()])
  const pairs = [...ids].map((id) => [
    before.workspaces.get(id) ?? before.days,
    after.workspaces.get(id) ?? after.days,
  ])
  const longer = [[before.days, after.days], ...pairs].filter(([old = 0, now = 0]) => now > old)
  return longer.length === 0 ? undefined : Math.min(...longer.map(([old = 0]) => old))
}

/** The fewer days of two; a workspace with days in only one of them has those. */
export const fewerDays = (one: WorkspaceDays, other: WorkspaceDays): WorkspaceDays =>
  new Map(
    [...one, ...other].map(([id, days]) => [
      id,
      Math.min(days, one.get(id) ?? days, other.get(id) ?? days),
    ]),
  )

const byId = ([one]: readonly [string, number], [other]: readonly [string, number]): number =>
  one < other ? -1 : 1
