import type { Filter } from '../../../src/schema/query.ts'
import type { PageFilter } from './search.ts'

/** Adds a filter, or removes it when the same filter is set. */
export function toggleFilter(
  filters: readonly PageFilter[],
  clicked: PageFilter,
): readonly PageFilter[] {
  const others = filters.filter((filter) => !isSameValue(filter, clicked))
  const isSet = filters.some(
    (filter) => isSameValue(filter, clicked) && filter.exclude === clicked.exclude,
  )
  return isSet ? others : [...others, clicked]
}

/** Whether two filters are about the same value. */
export const isSameValue = (one: PageFilter, other: PageFilter): boolean =>
  one.member === other.member && one.value === other.value

/** The filters in the query format: any of a member's included values and none of its excluded ones. */
export function toConditions(filters: readonly PageFilter[]): Filter[] {
  const members = [...new Set(filters.map(({ member }) => member))]
  return members.flatMap((member) => {
    const own = filters.filter((filter) => filter.member === member)
    return [...included(member, valuesOf(own, false)), ...excluded(member, valuesOf(own, true))]
  })
}

const valuesOf = (filters: readonly PageFilter[], exclude: boolean): string[] =>
  filters.filter((filter) => filter.exclude === exclude).map(({ value }) => value)

function included(name: string, values: readonly string[]): Filter[] {
  const member = `requests.${name}`
  const named = values.filter((value) => value !== '')
  const any: Filter[] = []
  if (named.length > 0) any.push({ member, operator: 'equals', values: named })
  if (values.includes('')) any.push({ member, operator: 'notSet' })
  return any.length > 1 ? [{ or: any }] : any
}

function excluded(name: string, values: readonly string[]): Filter[] {
  const member = `requests.${name}`
  const named = values.filter((value) => value !== '')
  const all: Filter[] = []
  if (named.length > 0) all.push({ member, operator: 'notEquals', values: named })
  if (values.includes('')) all.push({ member, operator: 'set' })
  return all
}
