/** The columns of the table `audit`. The states before and after a change are in the audit log only. */
export const auditColumns = {
  sequence: { type: 'UInt64', about: 'Position in the chain of the log.' },
  time: { type: `DateTime64(3, 'UTC')`, about: 'When it happened.' },
  request_id: { type: 'String', about: 'The request to the Admin API.' },
  workspace: { type: 'LowCardinality(String)', about: 'Id of the workspace of the request.' },
  workspace_name: { type: 'LowCardinality(String)', about: 'Its name at the time of the request.' },
  principal: { type: 'LowCardinality(String)', about: 'Id of the principal, or empty.' },
  principal_name: { type: 'LowCardinality(String)', about: 'Name of the principal, or empty.' },
  address: { type: 'String', about: 'Client address.' },
  method: { type: 'LowCardinality(String)', about: 'Method of the request.' },
  path: { type: 'String', about: 'Path of the request, after the workspace.' },
  action: { type: 'LowCardinality(String)', about: 'create, read, update or delete.' },
  allowed: { type: 'UInt8', about: '1 when it was allowed.' },
  because: { type: 'String', about: 'The deciding rule, or the error message.' },
  status: { type: 'UInt16', about: 'Status of the response.' },
  revision: { type: 'UInt64', about: 'Revision that the change created, or 0.' },
  kinds: { type: 'Array(LowCardinality(String))', about: 'Types of the entities that changed.' },
  touched: { type: 'UInt32', about: 'How many entities changed.' },
} as const satisfies Readonly<Record<string, { readonly type: string; readonly about: string }>>

type AuditColumnName = keyof typeof auditColumns

/** A row of the table `audit` in ClickHouse's JSONEachRow form. `time` is in decimal seconds. */
export type WarehouseAuditRow = {
  readonly [Name in AuditColumnName]: string | number | readonly string[]
}
