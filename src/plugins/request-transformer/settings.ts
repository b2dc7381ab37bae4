import { z } from 'zod'
import { optional } from '../../entities/fields.ts'
import { templateError } from '../transformers/compile-template.ts'
import { headerError, isHeaderName, splitPair } from '../transformers/pairs.ts'

function valueError(pair: string): string | undefined {
  const [name, value] = splitPair(pair)
  if (value === '') return `key '${name}' has no value`
  const complaint = templateError(value)
  return complaint === undefined
    ? undefined
    : `value '${value}' is not in supported format, error:${complaint}`
}

const list = (complaintOf: (text: string) => string | undefined) =>
  z
    .array(
      z.string().superRefine((text, context) => {
        const message = complaintOf(text)
        if (message !== undefined) context.addIssue({ code: 'custom', message, input: text })
      }),
    )
    .default([])

const names = () => list((name) => (name === '' ? 'expected a name' : undefined))
const values = () => list(valueError)
const headerValues = () => list((pair) => headerError(splitPair(pair)[0]) ?? valueError(pair))
const headerNames = () =>
  list((name) => (isHeaderName(name) ? undefined : `'${name}' is not a valid header`))
const renamed = () => list((pair) => valueError(pair) && `key '${splitPair(pair)[0]}' has no value`)
const renamedHeaders = () =>
  list((pair) => {
    const [old, name] = splitPair(pair)
    return isHeaderName(old) ? headerError(name) : `'${old}' is not a valid header`
  })

const pairs = {
  body: values().describe('`name:value` for members of JSON bodies and fields of forms.'),
  headers: headerValues().describe('`name:value` for headers.'),
  querystring: values().describe('`name:value` for query parameters.'),
}

/** Clients fill the defaults of records that are required. */
const record = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z
    .strictObject(shape)
    .prefault({} as never)
    .meta({ isFilled: true })

export const settings = z.strictObject({
  http_method: optional(
    z.string().regex(/^(?!HEAD$|CONNECT$|TRACE$)[A-Z]+$/, {
      error: 'expected a method in upper case, except HEAD, CONNECT and TRACE',
    }),
  ).describe('Method of the forwarded request.'),
  remove: record({
    body: names().describe('Names of members or fields.'),
    headers: headerNames().describe('Names of headers.'),
    querystring: names().describe('Names of query parameters.'),
  }).describe('Removes values.'),
  rename: record({
    body: renamed().describe('`old:new` for members of JSON bodies and fields of forms.'),
    headers: renamedHeaders().describe('`old:new` for headers.'),
    querystring: renamed().describe('`old:new` for query parameters.'),
  }).describe('Renames values.'),
  replace: record({
    ...pairs,
    uri: optional(
      z.string().superRefine((text, context) => {
        const message = templateError(text)
        if (message !== undefined) context.addIssue({ code: 'custom', message, input: text })
      }),
    ).describe('Path of the forwarded request, in place of that of the service and the request.'),
  }).describe('Replaces values that the request has.'),
  add: record(pairs).describe('Adds values that the request does not have.'),
  append: record(pairs).describe('Adds values in addition to existing ones.'),
})

export type Settings = z.output<typeof settings>
