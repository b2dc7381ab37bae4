// npm run interop [-- NAME…]: runs test suites of other projects against a started gateway, and prints their counts.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startWeir } from '../../bench/start-weir.ts'
import { findPrograms } from './run-suite.ts'
import { suites } from './suites.ts'

const wanted = process.argv.slice(2)
const chosen = suites.filter(({ name }) => wanted.length === 0 || wanted.includes(name))
const service = createServer((request, response) => {
  request.resume().on('end', () => response.end('ok\n'))
})
await new Promise<void>((resolve) => void service.listen(0, '127.0.0.1', resolve))
const { port } = service.address() as AddressInfo
const weir = await startWeir(undefined)
try {
  await weir.admin('PUT', '/services/h2', { host: '127.0.0.1', port })
  await weir.admin('PUT', '/routes/h2', { paths: ['/h2'], service: { name: 'h2' } })
  const subject = {
    proxyPort: Number(new URL(weir.proxyUrl).port),
    securePort: Number(new URL(weir.secureUrl).port),
    adminUrl: weir.adminUrl,
    token: weir.token,
    configure: (method: string, path: string, body?: object) => weir.admin(method, path, body),
  }
  for (const suite of chosen) {
    const programs = findPrograms(suite)
    if ('missing' in programs) {
      console.log(`${suite.name}: not run, missing ${programs.missing}`)
      continue
    }
    const lines = await suite.run(subject, programs)
    console.log(
      lines.map((line, at) => (at === 0 ? `${suite.name}: ${line}` : `  ${line}`)).join('\n'),
    )
  }
} finally {
  await weir.close()
  service.close()
}
