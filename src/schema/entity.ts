import type { z } from 'zod'

/** One kind of configuration object, declared once: API paths, tables, validation, permissions, forms and reference follow from it. */
export type Entity = {
  /** Singular noun, for example `service`. */
  readonly name: string
  /** Name in URLs, tables and declarative files, for example `services`. */
  readonly plural: string
  /** One sentence for people. */
  readonly about: string
  /** What a body may hold, with Kong's defaults. Never holds `id`, `created_at`, `updated_at`: every entity has those. */
  readonly fields: z.ZodObject
  /** Rules over several fields; an issue with an empty path becomes Kong's `@entity` violation. */
  readonly check?: z.core.CheckFn<Record<string, unknown>>
  /** Field → entity name: `{ service: 'service' }` means `service` holds `{ "id": … }`. */
  readonly refersTo: Readonly<Record<string, string>>
  /** References that must be present, whose deletion deletes this entity, and under whose path it nests. */
  readonly belongsTo?: string
  /** References whose deletion deletes this entity too (a present `belongsTo` always does); every other reference forbids the deletion. */
  readonly cascades?: readonly string[]
  /** Fields, or groups of fields, whose values exist once in a workspace (or once in all, when not in workspaces). */
  readonly unique: readonly (string | readonly string[])[]
  /** True when these values exist once in all workspaces together. */
  readonly uniqueEverywhere?: boolean
  /** The field by which a path may address it instead of the id. */
  readonly key?: string
  /** Fields never logged, audited or kept in clear. */
  readonly secret: readonly string[]
  /** Who is answered its secrets: those who may read it, or only those who may change it; nobody when absent. */
  readonly reveals?: 'readers' | 'writers'
  /** Fields that get a random value when none is given. */
  readonly made?: readonly string[]
  /** Its name in paths under what it refers to, where that is not the plural. */
  readonly nestedAs?: string
  /** Its name in declarative files, in lists of tags and for schemas, where that is not the plural. */
  readonly declaredAs?: string
  /** False for what belongs to no workspace. */
  readonly inWorkspace: boolean
}

/** The name of an entity in declarative files, in lists of tags and for schemas. */
export const declaredName = ({ plural, declaredAs = plural }: Entity): string => declaredAs

/** Declares an entity; fills what is usually empty. */
export function defineEntity<
  const E extends Partial<Entity> & Pick<Entity, 'name' | 'plural' | 'about' | 'fields'>,
>(entity: E): E & Omit<Entity, keyof E> {
  const usual = { refersTo: {}, unique: [], secret: [], inWorkspace: true }
  return { ...usual, ...entity } as unknown as E & Omit<Entity, keyof E>
}

/** What every stored entity has beside its own fields. Times are seconds since the epoch, as in Kong. */
export type Stored<Fields> = Fields & {
  id: string
  created_at: number
  updated_at: number
}

/** A reference to another entity, in bodies and in snapshots. */
export type Reference = { id: string }
