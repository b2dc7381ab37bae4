import type { FastifyReply, FastifyRequest } from 'fastify'
import type { AccessRequest } from '../access/rights.ts'
import type { Configuration } from '../control/configuration.ts'
import { Problem } from '../lib/problem.ts'
import type { WorkspaceRef } from '../control/entity-paths.ts'
import type { AccessCheck } from '../control/permit.ts'
import type { Entity, EntityName } from '../entities/entities.ts'
import type { Entry } from '../entities/entry.ts'
import { notFound } from '../entities/kong-problem.ts'

/** HEAD is served by GET; OPTIONS lists the methods. */
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** The result of resolving a path. Nothing of it may reach the client before `check` is decided. */
export type Located = {
  readonly check: AccessCheck
  readonly entry?: Entry | undefined
  readonly parent?: Entry | undefined
  /** True when the workspace or the parent does not exist. */
  readonly isLost?: boolean
}

/** An authorized request. */
export type RequestContext = Located & {
  readonly configuration: Configuration
  readonly principal: string
  readonly workspaceRef: WorkspaceRef
  readonly params: Readonly<Record<string, string>>
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  /** Set when a filtered list is denied as a whole; the answer then depends on whether any entry is readable. */
  readonly refusal?: Problem
}

/** The status of a request that succeeds. */
export const successStatus = ({ statuses }: Pick<AdminRoute, 'statuses'>, method: Method): number =>
  statuses?.[method] ?? (method === 'DELETE' ? 204 : 200)

/** The method that serves a request. */
export const servedMethod = (method: string): Method =>
  (method === 'HEAD' ? 'GET' : method) as Method

/** The answer to OPTIONS, and to a method that a route does not have. */
export function answerUnserved({ methods }: AdminRoute, method: string): Problem {
  const served = [
    ...Object.keys(methods),
    ...(methods.GET === undefined ? [] : ['HEAD']),
    'OPTIONS',
  ]
  const headers = { allow: served.sort().join(', ') }
  return method === 'OPTIONS'
    ? new Problem('admin.options', 204, '', { headers })
    : new Problem('admin.method', 405, 'Method not allowed', { headers })
}

/** Throws 404 without a parent. */
export function requireParent<K extends EntityName>(
  { parent }: Pick<RequestContext, 'parent'>,
  _kind: K,
): Entry<K> {
  if (parent === undefined) throw notFound()
  return parent as Entry<K>
}

/** Throws 404 without an entry. */
export function requireEntry<K extends EntityName>(
  { entry }: Pick<RequestContext, 'entry'>,
  _kind: K,
): Entry<K> {
  if (entry === undefined) throw notFound()
  return entry as Entry<K>
}

/** The input for resolving a path. */
export type PathContext = {
  readonly configuration: Configuration
  readonly workspaceRef: WorkspaceRef
  readonly params: Readonly<Record<string, string>>
  readonly method: string
  readonly action: AccessRequest['action']
  readonly principal: string
}

/** The same path also exists under `/{workspace}`. */
export type AdminRoute = {
  /** With parameters, for example `/services/:item`. */
  readonly path: string
  locate(context: PathContext): Located
  readonly methods: Partial<Record<Method, (context: RequestContext) => Promise<unknown>>>
  /** The entity in its answers, for the OpenAPI document. */
  readonly shows?: { readonly entity: Entity; readonly as: 'one' | 'list' }
  /** Schemas of answers that are not what `shows` says, for the OpenAPI document. */
  readonly answers?: Partial<Record<Method, Readonly<Record<string, unknown>>>>
  /** Statuses of success that are not 200, or 204 for DELETE. */
  readonly statuses?: Partial<Record<Method, number>>
  /** Overrides the action that follows from the method. */
  readonly action?: AccessRequest['action']
  /** True for a list that omits entries the principal may not read and is answered even when the list as a whole is denied. */
  readonly isFiltered?: boolean
  /** In bytes; overrides the server's limit. */
  readonly bodyLimit?: number
}
