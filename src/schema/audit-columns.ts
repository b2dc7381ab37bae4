/** The columns of an audit record in the warehouse, in the order of the table `audit`; without what was before and after, which only the log itself tells. */
export const auditColumns = {
  sequence: { type: 'UInt64', about: 'Place in the chain of the log.' },
  time: { type: `DateTime64(3, 'UTC')`, about: 'When it happened.' },
  request_id: { type: 'String', about: 'The request that did it.' },
  workspace: { type: 'LowCardinality(String)', about: 'Id of the workspace asked for.' },
  workspace_name: { type: 'LowCardinality(String)', about: 'Its name when it happened.' },
  principal: { type: 'LowCardinality(String)', about: 'Id of who asked, or empty.' },
  principal_name: { type: 'LowCardinality(String)', about: 'Their name, or empty.' },
  address: { type: 'String', about: 'From where it was asked.' },
  method: { type: 'LowCardinality(String)', about: 'Method of the request.' },
  path: { type: 'String', about: 'Path of the request, after the workspace.' },
  action: { type: 'LowCardinality(String)', about: 'create, read, update or delete.' },
  allowed: { type: 'UInt8', about: '1 when it was allowed.' },
  because: { type: 'String', about: 'The rule that decided, or the sentence of the refusal.' },
  status: { type: 'UInt16', about: 'Status of the answer.' },
  revision: { type: 'UInt64', about: 'Revision that was made, or 0.' },
  kinds: { type: 'Array(LowCardinality(String))', about: 'Kinds of entities that were touched.' },
  touched: { type: 'UInt32', about: 'How many entities were touched.' },
} as const satisfies Readonly<Record<string, { readonly type: string; readonly about: string }>>

/** A column of an audit record. */
type AuditColumnName = keyof typeof auditColumns

/** An audit record as the warehouse takes it, in ClickHouse's JSONEachRow form; `time` is decimal seconds. */
export type AuditLineInWarehouse = {
  readonly [Name in AuditColumnName]: string | number | readonly string[]
}
