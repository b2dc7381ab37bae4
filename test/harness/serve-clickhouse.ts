import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { Session } from 'chdb'

/** Texts arrive as in the format TabSeparated; lists as literals. */
const unescaped = (value: string): string =>
  value.startsWith('[') ? value : value.replaceAll(/\\(['\\])/g, '$1')

/** The part of ClickHouse's HTTP interface that its official client uses, answered by the embedded engine. */
export async function serveClickHouse(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const directory = mkdtempSync(join(tmpdir(), 'weir-clickhouse-'))
  const session = new Session(directory)
  let file = 0

  const run = async (url: URL, body: Buffer): Promise<Buffer> => {
    const given = url.searchParams.get('query')
    const params = [...url.searchParams]
      .filter(([name]) => name.startsWith('param_'))
      .map(([name, value]) => [name.slice('param_'.length), unescaped(value)] as const)
    if (given === null) return await select(body.toString(), params)
    if (body.length === 0) return await select(given, params)
    // The rows of an INSERT are the body of the request.
    const path = join(directory, `body-${(file += 1)}`)
    writeFileSync(path, body)
    const into = /^(INSERT INTO [\w.]+)( [^]*)$/.exec(given)
    await session.queryAsync(`${into?.[1]} FROM INFILE '${path}'${into?.[2]}`)
    return Buffer.alloc(0)
  }
  const select = async (sql: string, params: readonly (readonly [string, string])[]) => {
    const [, query = sql, format = 'TabSeparated'] = /^([^]*?)\s*FORMAT (\w+)\s*$/.exec(sql) ?? []
    const result =
      params.length === 0
        ? await session.queryAsync(query, { format })
        : await session.queryBindAsync(query, Object.fromEntries(params), { format })
    return Buffer.from(result.bytes())
  }
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://a')
    void buffer(request).then((body) =>
      run(url, body).then(
        (rows) => response.end(rows),
        (error: unknown) => {
          const message = error instanceof Error ? error.message : String(error)
          response.writeHead(500, { 'x-clickhouse-exception-code': '1' }).end(message)
        },
      ),
    )
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/default`,
    async close() {
      server.closeAllConnections()
      server.close()
      session.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
