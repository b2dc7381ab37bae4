import { openGateway } from '../../test/harness/open-gateway.ts'
import { answerReads } from './watch-holds.ts'

// A gateway alone in its process, whose event loop is watched.
const schema = {
  type: 'array',
  uniqueItems: true,
  items: {
    anyOf: [{ type: 'string', pattern: '(a|b)+c$' }, { type: 'array' }, { type: 'object' }],
  },
}
const { port, events } = await openGateway(
  {
    routes: [
      { name: 'validated', paths: ['/'] },
      { name: 'expression', paths: ['~/(a|b)*(a|b)*c$'], headers: { x: ['~*(a|b)+(a|b)+c$'] } },
    ],
    plugins: [
      {
        name: 'request-validator',
        config: {
          version: 'draft7',
          body_schema: JSON.stringify(schema),
          parameter_schema: [{ in: 'query', name: 'a', schema: '{"type":"array"}' }],
        },
      },
      { name: 'request-termination', config: { status_code: 200 } },
    ],
  },
  { onFinished: () => undefined },
)
setInterval(() => (events.length = 0), 200)
answerReads()
process.send?.({ ready: `http://127.0.0.1:${port}` })
