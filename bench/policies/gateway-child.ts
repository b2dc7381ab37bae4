import { openGateway } from '../../test/harness/open-gateway.ts'
import { cases, token } from './cases.ts'

// A gateway alone in its process, with a route for each case. Answers every message with the CPU time that it used.
const { port, events } = await openGateway(
  {
    services: [{ name: 'upstream', host: '127.0.0.1', port: Number(process.argv[2]) }],
    routes: Object.keys(cases).map((name) => ({ name, paths: [`/${name}`], service: 'upstream' })),
    plugins: Object.entries(cases).flatMap(([route, { plugins }]) =>
      plugins.map((plugin) => ({ ...plugin, route })),
    ),
    consumers: {
      ann: {
        keys: ['the-key'],
        groups: ['buyers'],
        basic: { ann: 'secret' },
        hmac: { ann: token.secret },
        jwts: [{ key: 'ann', algorithm: 'HS256', secret: token.secret, rsa_public_key: null }],
      },
    },
  },
  { onFinished: () => undefined },
)
setInterval(() => (events.length = 0), 100)
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send?.({ microseconds: user + system })
})
process.send?.({ ready: `http://127.0.0.1:${port}` })
