import { decide } from '../access/decide.ts'
import type { Rights } from '../access/rights.ts'
import { defaultWorkspace } from '../entities/default-workspace.ts'
import type { NodesCompleteness } from '../schema/completeness.ts'

/** Both times in milliseconds since the epoch. */
export type NodeWatermark = {
  readonly node: string
  readonly until: number | undefined
  readonly lastHeard: number
  readonly isMissing: boolean
}

/** Completeness of requests for a principal; only principals who may read `/status` see names of nodes. */
export function describeCompleteness(
  watermarks: readonly NodeWatermark[],
  rights: Rights,
): NodesCompleteness {
  const ask = { workspace: defaultWorkspace, path: '/status', action: 'read' } as const
  const isNamed = decide(rights, ask).allowed
  const nodes = watermarks.map(({ until, lastHeard, ...rest }) => ({
    ...rest,
    until: timeOf(until),
    lastHeard: new Date(lastHeard).toISOString(),
  }))
  const present = watermarks.filter(({ isMissing }) => !isMissing)
  const untils = present.map(({ until }) => until)
  return {
    until:
      untils.length > 0 && untils.every((one) => one !== undefined)
        ? timeOf(Math.min(...untils))
        : null,
    missing: nodes
      .filter(({ isMissing }) => isMissing)
      .map(({ node, until, lastHeard }) => ({ node: isNamed ? node : null, lastHeard, until })),
    nodes: isNamed ? nodes : [],
  }
}

const timeOf = (milliseconds: number | undefined): string | null =>
  milliseconds === undefined ? null : new Date(milliseconds).toISOString()
