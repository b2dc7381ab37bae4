import type { HeaderList } from '../../proxy/header-list.ts'
import type { Values } from './transform-values.ts'

/** The fields of a message as values to transform. */
export const valuesOfFields = (headers: HeaderList): Values<readonly string[]> => ({
  has: (name) => headers.get(name.toLowerCase()) !== undefined,
  set: (name, value) => headers.set(name, value),
  append: (name, value) => headers.add(name, value),
  delete: (name) => headers.delete(name.toLowerCase()),
  take(name) {
    const values = headers.all(name.toLowerCase())
    headers.delete(name.toLowerCase())
    return values.length === 0 ? undefined : values
  },
  put(name, values) {
    headers.delete(name.toLowerCase())
    for (const value of values) headers.add(name, value)
  },
})
