import { z } from 'zod'
import { Problem } from '../../lib/problem.ts'
import { defaultWorkspace } from '../default-workspace.ts'
import { reservedNames } from '../reserved-names.ts'
import { addDefaultRoles } from './default-roles.ts'
import { role } from './role.ts'
import { defineEntity } from '../entity.ts'
import { entityName, optional } from '../fields.ts'
import { ownedHost, ownedPath } from '../gateway/route-patterns.ts'

export const workspace = defineEntity(
  {
    name: 'workspace',
    plural: 'workspaces',
    about: 'A tenant with its own services, routes, consumers, plugins, roles and traffic data.',
    inWorkspace: false,
    key: 'name',
    unique: ['name'],
    isWorkspace: true,
    merged: ['config'],
    fields: z.strictObject({
      name: entityName()
        .refine((name) => !reservedNames.has(name), {
          error: (issue) =>
            `'${String(issue.input)}' is a path of the Admin API and cannot name a workspace`,
        })
        .describe(
          'Unique name, the first segment of the paths of the workspace. Cannot be changed.',
        ),
      comment: optional(z.string()).describe('Free text.'),
      meta: optional(
        z.strictObject({
          color: optional(z.string()).describe('Color of the workspace, as in Kong Manager.'),
          thumbnail: optional(z.string()).describe('Image of the workspace, as in Kong Manager.'),
        }),
      ),
      config: optional(z.record(z.string(), z.unknown())).describe(
        'Settings of the workspace as Kong stores them; no effect on traffic. Merged by PATCH.',
      ),
      owned_hosts: optional(z.array(ownedHost())).describe(
        'Hosts of the workspace: names, or patterns such as `*.x.example.com`. Requests to them match only its routes. Only a super-admin can change it.',
      ),
      owned_paths: optional(z.array(ownedPath())).describe(
        'Paths of the workspace, as prefixes. Requests to them match only its routes, except on hosts of another workspace. Only a super-admin can change it.',
      ),
      retention_days: optional(z.int().min(1).max(36_500)).describe(
        'Days for which recorded requests of the workspace are shown and kept; `WEIR_RECORD_DAYS` when unset.',
      ),
      on_spool_full: optional(z.enum(['refuse', 'shed'])).describe(
        'Handling of requests whose events cannot be recorded because the spool or the disk of the gateway is full: `refuse` (the default) answers 503; `shed` serves them without an event, and counts them.',
      ),
    }),
  },
  {
    beforeWrite({ before, after }) {
      if (before === undefined || before.fields.name === after.fields.name) return undefined
      throw new Problem('control.workspace_rename', 400, 'Cannot rename a workspace')
    },
    afterCreate: addDefaultRoles,
    // Roles are deleted with their workspace; anything else prevents the deletion.
    beforeRemove({ id }, edit) {
      if (id === defaultWorkspace.id) {
        throw new Problem(
          'control.default_workspace',
          400,
          'The default workspace cannot be deleted',
        )
      }
      const other = edit
        .kindsIn(id)
        .find(({ name, isPermission }) => name !== role.name && isPermission !== true)
      if (other !== undefined) {
        throw new Problem('control.workspace_not_empty', 400, 'Workspace is not empty', {
          detail: { fields: { '@referenced_by': other.plural } },
        })
      }
      for (const entry of edit.list(role, { workspace: id })) edit.remove(role, entry)
    },
  },
)
