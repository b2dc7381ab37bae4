import { compileTemplate } from '../transformers/compile-template.ts'
import { splitPair } from '../transformers/pairs.ts'
import type { Steps } from '../transformers/transform-values.ts'
import type { Settings } from './settings.ts'

/** The steps for one part of a request. */
export function compileSteps(settings: Settings, part: 'body' | 'headers' | 'querystring'): Steps {
  const pairs = (list: readonly string[]): Steps['add'] =>
    list.map((text) => {
      const [name, value] = splitPair(text)
      return [name, compileTemplate(value)]
    })
  const { remove, rename, replace, add, append } = settings
  const lists = [remove, rename, replace, add, append].map((one) => one[part])
  return {
    remove: remove[part],
    rename: rename[part].map(splitPair),
    replace: pairs(replace[part]),
    add: pairs(add[part]),
    append: pairs(append[part]),
    isEmpty: lists.every((list) => list.length === 0),
  }
}
