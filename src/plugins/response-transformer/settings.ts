import { z } from 'zod'
import { templateError } from '../transformers/compile-template.ts'
import { headerError, isHeaderName, splitPair } from '../transformers/pairs.ts'

const list = (complaintOf: (text: string) => string | undefined) =>
  z
    .array(
      z.string().superRefine((text, context) => {
        const message = complaintOf(text)
        if (message !== undefined) context.addIssue({ code: 'custom', message, input: text })
      }),
    )
    .default([])

const names = () => list(() => undefined).describe('Names of members of JSON objects.')
const headerNames = () =>
  list((name) => invalidHeader(splitPair(name)[0])).describe('Names of headers.')

const invalidHeader = (name: string): string | undefined =>
  isHeaderName(name) ? undefined : `'${name}' is not a valid header`

function pairError(pair: string): string | undefined {
  if (!/^[^:]+:/.test(pair)) return `invalid value: ${pair}`
  const complaint = templateError(splitPair(pair)[1])
  return complaint === undefined
    ? undefined
    : `value '${splitPair(pair)[1]}' is not in supported format, error:${complaint}`
}

const renamed = (complaintOf: (old: string, name: string) => string | undefined) =>
  list((pair) =>
    /^[^:]+:/.test(pair) ? complaintOf(...splitPair(pair)) : `invalid value: ${pair}`,
  )

/** Clients fill the defaults of records that are required. */
const record = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z
    .strictObject(shape)
    .prefault({} as never)
    .meta({ isFilled: true })

const jsonTypes = ['boolean', 'number', 'string'] as const

const values = () =>
  record({
    json: list(pairError).describe('`name:value` for members of JSON objects.'),
    json_types: z
      .array(z.enum(jsonTypes))
      .default([])
      .describe('The type of each value of `json`, in the same order; a string unless given.'),
    headers: list((pair) => pairError(pair) ?? headerError(splitPair(pair)[0])).describe(
      '`name:value` for headers.',
    ),
  })

export const settings = z.strictObject({
  remove: record({ json: names(), headers: headerNames() }).describe('Removes values.'),
  rename: record({
    json: renamed(() => undefined).describe('`old:new` for members of JSON objects.'),
    headers: renamed((old, name) => invalidHeader(old) ?? headerError(name)).describe(
      '`old:new` for headers.',
    ),
  }).describe('Renames values.'),
  replace: values().describe('Replaces values that the response has.'),
  add: values().describe('Adds values that the response does not have.'),
  append: values().describe('Adds values in addition to existing ones.'),
})

export type Settings = z.output<typeof settings>
export type JsonType = (typeof jsonTypes)[number]
