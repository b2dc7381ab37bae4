import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openCommandLine } from '../harness/open-command-line.ts'
import { adminToken, startWeir } from '../harness/start-weir.ts'
import { until } from '../harness/until.ts'

const document = (plugins: string) => `_format_version: "3.0"
services:
  - name: ended
    host: 127.0.0.1
    routes: [{ name: ended, paths: [/ended] }]
    plugins:
      - { name: request-termination, config: { status_code: 200, message: fine } }
${plugins}
`

test(
  'shows how a change would have affected the traffic of the last hour',
  { timeout: 180_000 },
  async () => {
    const weir = await startWeir({ env: { WEIR_WORKERS: '1' } })
    const { folder, run: runWeir } = openCommandLine({
      WEIR_ADMIN_URL: weir.adminUrl,
      WEIR_ADMIN_TOKEN: adminToken,
    })
    const run = async (...words: string[]): Promise<string> => {
      const { out, err } = await runWeir('config', ...words)
      return out + err
    }
    writeFileSync(join(folder, 'now.yaml'), document(''))
    writeFileSync(join(folder, 'next.yaml'), document('      - { name: key-auth }'))
    expect(await run('sync', 'now.yaml')).toContain('Revision')
    await weir.untilApplied()
    expect((await fetch(`${weir.proxyUrl}/ended`)).status).toBe(200)
    for (let round = 0; round < 20; round += 1) await fetch(`${weir.proxyUrl}/ended/${round}`)
    await until('the events', async () => {
      const { data } = await weir.query({
        measures: ['requests.count'],
        filters: [{ member: 'requests.route', operator: 'set' }],
      })
      return Number(data[0]?.['requests.count']) >= 21
    })
    const out = await run('diff', 'next.yaml', '--against-traffic', '1h')
    expect(out).toMatch(/creating plugin \S+ \(service ended\)/)
    expect(out).toMatch(/Of 2\d requests in 1 hours 2\d were replayed/)
    expect(out).toMatch(
      /newly refused: 2\d from unknown callers on ended \(ended\) by key-auth \(key-auth.no_key, 401\)/,
    )
    writeFileSync(join(folder, 'gone.yaml'), document('').replace(/ {4}plugins:[^]*/, ''))
    const gone = await run('diff', 'gone.yaml', '--against-traffic', '1h')
    expect(gone).toMatch(
      /no longer answered by the gateway: 2\d from unknown callers on ended \(ended\) by request-termination/,
    )
    expect(await run('diff', 'next.yaml', '--against-traffic', 'ever')).toMatch(
      /expected a duration such as/,
    )
  },
)
