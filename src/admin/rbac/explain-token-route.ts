import { z } from 'zod'
import { explainVisibility } from '../../access/explain-visibility.ts'
import type { HeldRole } from '../../access/rights.ts'
import type { Configuration } from '../../control/configuration.ts'
import { defaultWorkspace } from '../../entities/default-workspace.ts'
import { notFound, schemaViolation } from '../../entities/kong-problem.ts'
import { violationsOf } from '../../entities/violations.ts'
import type { ExplainedToken } from '../../schema/entitlement.ts'
import type { AdminRoute } from '../admin-route.ts'
import { bodyFields, originOf } from '../entities/make-change.ts'

const path = '/rbac/explain-token'

const body = z.strictObject({ token: z.string().min(1).max(16_000) })

/** Explains an access token of the identity provider. It shows roles of all workspaces, and is decided in the default one. */
export const explainTokenRoute: AdminRoute = {
  path,
  action: 'read',
  bodyLimit: 32 * 1024,
  locate: ({ workspaceRef, action }) => ({
    check: { ask: { workspace: defaultWorkspace, path, action } },
    isLost: workspaceRef.id === '',
  }),
  methods: {
    async POST(context) {
      const { configuration, principal, request, check } = context
      const { provider } = configuration
      if (provider === undefined) throw notFound()
      const parsed = body.safeParse(bodyFields(context))
      if (!parsed.success) throw schemaViolation(violationsOf(parsed.error))
      const origin = originOf(request, check.ask, configuration)
      return explain(await provider.inspect(parsed.data.token.trim(), principal, origin))
    },
  },
}

type InspectedToken = Awaited<ReturnType<NonNullable<Configuration['provider']>['inspect']>>

function explain(inspected: InspectedToken): ExplainedToken {
  if (inspected.refusal !== undefined) return { ...refused, because: inspected.refusal }
  const { identity, claims, principal, granted, mapped, rights } = inspected
  return {
    valid: true,
    because: null,
    issuer: identity.issuer,
    subject: identity.subject,
    claims,
    principal:
      principal === undefined
        ? null
        : { id: principal.id, name: principal.fields.name, enabled: principal.fields.enabled },
    groups: identity.groups.map((name) => ({
      name,
      roles: mapped.filter(({ group }) => group === name).map(describeRole),
    })),
    granted: granted.map(describeRole),
    permissions: [...rights.endpoints, ...rights.entities].map(({ words }) => words),
    rows: explainVisibility(rights, { rule: 'service_or_route' }, requests).statement,
  }
}

/** Claims of a token that is not valid mean nothing, and are not shown. */
const refused = {
  valid: false,
  issuer: null,
  subject: null,
  claims: null,
  principal: null,
  groups: [],
  granted: [],
  permissions: [],
  rows: '',
} as const

const requests = { one: 'request', many: 'requests' } as const

const describeRole = ({ role, workspace }: HeldRole) => ({
  name: role.name,
  workspace: workspace.name,
})
