import type { AnyFields, Declaration, StoredFields } from './declaration.ts'
import type { Hooks } from './hooks.ts'

/** A kind of configuration object: its declaration and what is special about it. */
export type EntityModule = Declaration & Hooks<AnyFields>

type Defaults = Pick<Declaration, 'refersTo' | 'unique' | 'secret' | 'inWorkspace'>

type Defined<D> = D &
  Omit<Declaration, keyof D | 'refersTo'> & {
    readonly refersTo: D extends { readonly refersTo: infer References }
      ? References
      : Readonly<Record<string, never>>
  }

/** Declares an entity, and what is special about it; fills what is usually empty. */
export function defineEntity<
  const D extends Partial<Declaration> & Pick<Declaration, 'name' | 'plural' | 'about' | 'fields'>,
>(declaration: D, hooks?: NoInfer<Hooks<StoredFields<D>>>): Defined<D> & Hooks<StoredFields<D>> {
  const defaults: Defaults = { refersTo: {}, unique: [], secret: [], inWorkspace: true }
  return { ...defaults, ...declaration, ...hooks } as unknown as Defined<D> & Hooks<StoredFields<D>>
}
