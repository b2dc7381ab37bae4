import type { FastifyReply, FastifyRequest } from 'fastify'
import type { AccessRequest } from '../access/rights.ts'
import type { Configuration } from '../control/configuration.ts'
import type { Problem } from '../lib/problem.ts'
import type { AccessCheck } from '../control/permit.ts'
import type { Entity, EntityName } from '../entities/entities.ts'
import type { Entry } from '../entities/entry.ts'
import { notFound } from '../entities/kong-problem.ts'

/** The methods of the Admin API that say something of their own; HEAD is GET, OPTIONS answers itself. */
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** A workspace as a path names it; its id is '' when there is none of that name. */
export type Place = { readonly id: string; readonly name: string }

/** What a path names: found before it is decided who may, told only after. */
export type Located = {
  /** Where permission is decided, and by which names. */
  readonly check: AccessCheck
  /** The entity itself. */
  readonly entry?: Entry | undefined
  /** The entity under which a nested path stands. */
  readonly parent?: Entry | undefined
  /** True when the path cannot lead anywhere, because its workspace or parent is not there. */
  readonly isLost?: boolean
}

/** A request after permission: who asks, where, and for what. */
export type Asked = Located & {
  readonly configuration: Configuration
  readonly principal: string
  readonly place: Place
  readonly params: Readonly<Record<string, string>>
  readonly request: FastifyRequest
  readonly reply: FastifyReply
  /** Why a filtered list as such is denied; whoever may read something in it sees that. */
  readonly refusal?: Problem
}

/** The entry above the path of a request. */
export function parentOf<K extends EntityName>(
  { parent }: Pick<Asked, 'parent'>,
  _kind: K,
): Entry<K> {
  if (parent === undefined) throw notFound()
  return parent as Entry<K>
}

/** The entry at the path of a request; refuses when there is none. */
export function entryOf<K extends EntityName>({ entry }: Pick<Asked, 'entry'>, _kind: K): Entry<K> {
  if (entry === undefined) throw notFound()
  return entry as Entry<K>
}

/** What locating needs to know. */
export type Locating = {
  readonly configuration: Configuration
  readonly place: Place
  readonly params: Readonly<Record<string, string>>
  readonly method: string
  readonly action: AccessRequest['action']
  readonly principal: string
}

/** One path of the Admin API. The same path also exists under `/{workspace}`. */
export type AdminRoute = {
  /** With parameters, for example `/services/:item`. */
  readonly path: string
  locate(locating: Locating): Located
  readonly methods: Partial<Record<Method, (asked: Asked) => Promise<unknown>>>
  /** The entity that its answers hold, and whether one or a list; for the reference. */
  readonly shows?: { readonly entity: Entity; readonly as: 'one' | 'list' }
  /** Overrides the action that the method asks for. */
  readonly action?: AccessRequest['action']
  /** True for a list of which those entries are shown that the principal may read, even when the list as such is denied. */
  readonly isFiltered?: boolean
  /** Largest body in bytes, where that is not the usual. */
  readonly bodyLimit?: number
}
