import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { builtInTables, type Table } from '../../warehouse/tables.ts'
import { builtInDatasets, readDatasets } from './read-datasets.ts'

const table: Table = {
  name: 'things',
  columns: {
    time: { type: `DateTime64(3, 'UTC')` },
    day: { type: 'Date' },
    workspace: { type: 'String' },
    workspace_name: { type: 'LowCardinality(String)' },
    owner: { type: 'String' },
    size: { type: 'UInt64' },
  },
  engine: 'MergeTree',
  orderBy: 'time',
  retentionDays: 1,
}

const lines = [
  'name: things',
  'title: Things',
  'about: Things.',
  'noun: { one: thing, many: things }',
  'table: things',
  'time: time',
  'policy:',
  '  rows:',
  '    rule: collection',
  '    collection: audit',
  '    workspace: { id: workspace, name: workspace_name }',
  '  identity:',
  '    collection: consumers',
  '    columns: [owner]',
  'dimensions:',
  '  time: { title: Time, about: Time., type: time, format: time, sql: time }',
  '  owner: { title: Owner, about: Owner., sql: "lower(owner)" }',
  "  label: { title: Label, about: A literal., sql: \"if(size > 1, 'owner', '')\" }",
  'measures:',
  '  owners: { title: Owners, about: Owners., format: number, sql: uniq(owner) }',
  'segments:',
  '  big: { title: Big, about: Big., sql: size > 100 }',
  '  own: { title: Own, about: Own., sql: owner = workspace }',
]

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'weir-read-datasets-'))
})
afterAll(async () => {
  await rm(directory, { recursive: true, force: true })
})

async function read(text: string) {
  await writeFile(join(directory, 'things.yaml'), text)
  return readDatasets(pathToFileURL(`${directory}/`), [table])
}

/** The declaration with one line replaced, or without it. */
const withLine = (line: number, text?: string): string =>
  lines.flatMap((one, at) => (at + 1 === line ? (text ?? []) : [one])).join('\n')

test('members list the columns that they read, and whether those identify the caller', async () => {
  const [dataset] = (await read(lines.join('\n'))).values()
  const members = [...(dataset?.members.values() ?? [])]
  expect(
    members.map(({ name, kind, columns, identity }) => [name, kind, columns, identity]),
  ).toEqual([
    ['things.time', 'dimension', ['time'], false],
    ['things.owner', 'dimension', ['owner'], true],
    ['things.label', 'dimension', ['size'], false],
    ['things.owners', 'measure', ['owner'], true],
    ['things.big', 'segment', ['size'], false],
    ['things.own', 'segment', ['owner', 'workspace'], true],
  ])
  expect(dataset?.newest.sql).toBe('max(time)')
  expect(dataset?.policy).toEqual({
    rows: { rule: 'collection', collection: 'audit', hasWorkspace: true },
    columns: { workspace: 'workspace', workspace_name: 'workspace_name' },
    identity: { collection: 'consumers', noun: 'callers', columns: new Set(['owner']) },
  })
})

test('the datasets of the program are valid and declare their policy', () => {
  const datasets = [...readDatasets(builtInDatasets, builtInTables).values()]
  expect(
    datasets.map(({ name, policy }) => [name, policy.rows, policy.identity?.collection]),
  ).toEqual([
    ['audit', { rule: 'collection', collection: 'audit', hasWorkspace: true }, 'consumers'],
    ['requests', { rule: 'service_or_route' }, 'consumers'],
    ['unrecorded', { rule: 'collection', collection: 'services', hasWorkspace: true }, undefined],
  ])
})

const withoutPolicy = lines.filter((_, at) => at < 6 || at > 13).join('\n')
test.each<[string, string, string]>([
  ['no policy', withoutPolicy, '1: policy: required field missing'],
  [
    'no row rule',
    withLine(8).replace(/ {4}(rule|collection: audit|workspace).*\n/g, ''),
    '7: policy: rows: required field missing',
  ],
  [
    'no identity',
    lines.filter((_, at) => at < 11 || at > 13).join('\n'),
    `7: policy: identity: expected 'none'`,
  ],
  ['an unknown rule', withLine(9, '    rule: everybody'), '9: policy: rows: rule: Invalid'],
  [
    'an unknown collection',
    withLine(10, '    collection: audits'),
    `10: policy: rows: collection: 'audits' is not a collection`,
  ],
  [
    'an unknown identity collection',
    withLine(13, '    collection: consumer'),
    `'consumer' is not a collection`,
  ],
  [
    'no workspace columns',
    withLine(11),
    `8: policy: rows: workspace: expected 'none' or the columns`,
  ],
  [
    'a workspace column that is not there',
    withLine(11, '    workspace: { id: workspace, name: name }'),
    `11: policy: rows: workspace: name: 'name' is not a text column of things`,
  ],
  [
    'a workspace column of another type',
    withLine(11, '    workspace: { id: size, name: workspace_name }'),
    `11: policy: rows: workspace: id: 'size' is not a text column of things`,
  ],
  [
    'an identity column that is not there',
    withLine(14, '    columns: [owner, ownr]'),
    `14: policy: identity: columns: 1: 'ownr' is not a text or list column`,
  ],
  [
    'an identity column that is not there, on a line of its own',
    withLine(14, '    columns:\n      - owner\n      - ownr'),
    `16: policy: identity: columns: 1: 'ownr' is not a text or list column`,
  ],
  [
    'an identity column that cannot be masked',
    withLine(14, '    columns: [size]'),
    `14: policy: identity: columns: 0: 'size' is not a text or list column`,
  ],
  [
    'columns of a policy misspelled',
    withLine(14, '    column: [owner]'),
    `12: policy: identity: expected 'none' or`,
  ],
  ['an unknown field', withLine(2, 'titel: Things'), '2: titel: unknown field'],
  [
    'an unknown table',
    withLine(5, 'table: thing'),
    `5: table: there is no table 'thing', expected one of: things`,
  ],
  [
    'a time that is no dimension',
    withLine(6, 'time: day'),
    `6: time: 'day' is not a dimension of type time`,
  ],
  [
    'a time that is not a time',
    withLine(6, 'time: owner'),
    `6: time: 'owner' is not a dimension of type time`,
  ],
  [
    'a time of low precision',
    withLine(16, lines[15]?.replace('sql: time', 'sql: day')),
    '16: dimensions: time: sql: expected a DateTime64 column of things',
  ],
  [
    'a member declared twice',
    withLine(20, lines[19]?.replace('owners:', 'owner:')),
    `20: measures: owner: 'owner' is declared twice`,
  ],
  ['a key declared twice', withLine(2, 'name: other'), '2: Map keys must be unique'],
  [
    'a name that is not that of the file',
    withLine(1, 'name: other'),
    `1: name: expected 'things', the name of the file`,
  ],
  [
    'a name that no query could use',
    withLine(1, 'name: Things'),
    '1: name: expected lower-case letters',
  ],
  ['invalid YAML', withLine(7, 'policy: ['), ':'],
])('refuses %s', async (_, text, message) => {
  const file = join(directory, 'things.yaml')
  await expect(read(text)).rejects.toMatchObject({
    code: 'dataset.invalid',
    message: expect.stringContaining(message) as string,
  })
  await expect(read(text)).rejects.toThrow(new RegExp(`^${file.replaceAll('/', '\\/')}:\\d+: `))
})
