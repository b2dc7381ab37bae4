import type { AnyFields, Declaration, StoredFields } from './declaration.ts'
import type { Hooks } from './hooks.ts'

/** A declaration with its hooks. */
export type EntityModule = Declaration & Hooks<AnyFields>

type Defaults = Pick<Declaration, 'refersTo' | 'unique' | 'secret' | 'inWorkspace'>

type Defined<D> = D &
  Omit<Declaration, keyof D | 'refersTo' | 'refersToMany'> & {
    readonly refersTo: D extends { readonly refersTo: infer References }
      ? References
      : Readonly<Record<string, never>>
  }

/** Defines an entity from its declaration and hooks, with defaults for the lists that are often empty. */
export function defineEntity<
  const D extends Partial<Declaration> & Pick<Declaration, 'name' | 'plural' | 'about' | 'fields'>,
>(declaration: D, hooks?: NoInfer<Hooks<StoredFields<D>>>): Defined<D> & Hooks<StoredFields<D>> {
  const defaults: Defaults = { refersTo: {}, unique: [], secret: [], inWorkspace: true }
  return { ...defaults, ...declaration, ...hooks } as unknown as Defined<D> & Hooks<StoredFields<D>>
}
