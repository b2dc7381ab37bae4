import type { Warehouse } from './open-warehouse.ts'

/** Whether the table `requests` has an event; `time` is in microseconds since the epoch. */
export async function holdsEvent(
  warehouse: Pick<Warehouse, 'query'>,
  event: {
    readonly workspace: string
    readonly service: string
    readonly time: number
    readonly request_id: string
  },
): Promise<boolean> {
  // The order of the table finds the row by its first columns.
  const sql = `SELECT 1 FROM requests
    WHERE workspace = {workspace:String} AND service = {service:String}
      AND time = fromUnixTimestamp64Micro({time:Int64}, 'UTC') AND request_id = {request_id:UUID}
    LIMIT 1`
  return (await warehouse.query({ sql, params: event })).length > 0
}
