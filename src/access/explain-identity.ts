import { sentence } from './decide.ts'
import type { EndpointRule, Rights } from './rights.ts'
import { identityRule, rowRule } from './row-rules.ts'
import { inWorkspace } from './visible.ts'

/** How far a principal may know who called: in all rows that they see, in those of some workspaces, or in none; and the rules that say so. */
export function explainIdentity(rights: Rights): {
  readonly scope: 'all' | 'some' | 'nothing'
  readonly workspaces: readonly string[]
  readonly because: string
} {
  const rule = identityRule(rights)
  // Rows of no workspace, and of workspaces that are gone, count like one more workspace.
  const seen = [...rights.workspaces, nowhere].filter(
    (workspace) => inWorkspace(rowRule(rights), workspace).is !== 'false',
  )
  const known = seen.filter((workspace) => inWorkspace(rule, workspace).is !== 'false')
  const scope = known.length === 0 ? 'nothing' : rule.is === 'true' ? 'all' : 'some'
  const denials = rights.endpoints.filter(
    (endpoint) => endpoint.negative && isAboutCallers(endpoint),
  )
  const because =
    denials.length > 0
      ? denials.map(({ words }) => sentence(words)).join(' ')
      : `No role of ${rights.asker.name} allows read at /consumers.`
  return { scope, workspaces: known.map(({ name }) => name).filter((name) => name !== ''), because }
}

const isAboutCallers = ({ actions, segments }: EndpointRule): boolean =>
  actions.includes('read') &&
  (segments === undefined || (segments.length === 1 && /^(\*|consumers)$/.test(segments[0] ?? '')))

const nowhere = { id: '', name: '' }
