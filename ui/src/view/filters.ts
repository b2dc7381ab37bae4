import type { Filter } from '../../../src/schema/query.ts'
import type { PageFilter } from './search.ts'

/** What a click on a value does: adds it as a filter, or takes the same filter away again. */
export function toggleFilter(
  filters: readonly PageFilter[],
  clicked: PageFilter,
): readonly PageFilter[] {
  const others = filters.filter((filter) => !isSameValue(filter, clicked))
  const had = filters.some(
    (filter) => isSameValue(filter, clicked) && filter.exclude === clicked.exclude,
  )
  return had ? others : [...others, clicked]
}

/** Whether two filters speak about the same value. */
export const isSameValue = (one: PageFilter, other: PageFilter): boolean =>
  one.member === other.member && one.value === other.value

/** The page's filters in the query format: any of the wanted values of a member, none of the excluded ones. */
export function conditionsOf(filters: readonly PageFilter[]): Filter[] {
  const members = [...new Set(filters.map(({ member }) => member))]
  return members.flatMap((member) => {
    const own = filters.filter((filter) => filter.member === member)
    return [...wanted(member, valuesOf(own, false)), ...unwanted(member, valuesOf(own, true))]
  })
}

const valuesOf = (filters: readonly PageFilter[], exclude: boolean): string[] =>
  filters.filter((filter) => filter.exclude === exclude).map(({ value }) => value)

function wanted(name: string, values: readonly string[]): Filter[] {
  const member = `requests.${name}`
  const named = values.filter((value) => value !== '')
  const any: Filter[] = []
  if (named.length > 0) any.push({ member, operator: 'equals', values: named })
  if (values.includes('')) any.push({ member, operator: 'notSet' })
  return any.length > 1 ? [{ or: any }] : any
}

function unwanted(name: string, values: readonly string[]): Filter[] {
  const member = `requests.${name}`
  const named = values.filter((value) => value !== '')
  const all: Filter[] = []
  if (named.length > 0) all.push({ member, operator: 'notEquals', values: named })
  if (values.includes('')) all.push({ member, operator: 'set' })
  return all
}
