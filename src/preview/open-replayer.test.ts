import { expect, onTestFinished, test } from 'vitest'
import { buildTestSnapshot } from '../../test/harness/build-snapshot.ts'
import { openReplayer } from './open-replayer.ts'
import type { TrafficGroup } from './traffic-group.ts'

const plain = { name: 'plain', paths: ['/search'] }
const beta = {
  name: 'beta',
  expression: 'http.path ^= "/search" && http.headers.x_beta == "yes"',
}
const elsewhere = { ...beta, expression: beta.expression.replace('/search', '/x') }
const here = { name: 'here', expression: 'http.path ^= "/search" && http.method == "GET"' }

const group = (route: string): TrafficGroup => ({
  key: '',
  method: 'GET',
  scheme: 'http',
  host: 'a.test',
  path: '/search/a',
  route,
  workspace: '',
  workspaceName: '',
  routeName: route,
  serviceName: '',
  consumer: '',
  consumerName: '',
  isHidden: false,
  authMethod: '',
  credential: '',
  outcome: 'allowed',
  deniedBy: '',
  reason: '',
  status: 200,
  requests: 1,
  example: { path: '/search/a', requestId: '', time: 0 },
})

type Routes = readonly Record<string, unknown>[]

test.each<[string, { before: Routes; after: Routes; recorded: string }, string | undefined]>([
  [
    'a new one reads a header',
    { before: [plain], after: [plain, beta], recorded: 'plain' },
    undefined,
  ],
  ['nothing changes', { before: [plain, beta], after: [plain, beta], recorded: 'beta' }, 'beta'],
  [
    'nothing changes for others',
    { before: [plain, beta], after: [plain, beta], recorded: 'plain' },
    'plain',
  ],
  [
    'one moves away',
    { before: [plain, beta], after: [plain, elsewhere], recorded: 'beta' },
    'plain',
  ],
  [
    'all that they read is recorded',
    { before: [plain], after: [plain, here], recorded: 'plain' },
    'here',
  ],
  [
    'one reads the address of the client',
    {
      before: [plain],
      after: [plain, { ...beta, expression: 'net.src.ip in 10.0.0.0/8' }],
      recorded: 'plain',
    },
    undefined,
  ],
])(
  'gives recorded requests the route that is sure beside expressions: %s',
  (_, { before, after, recorded }, expected) => {
    const replayer = openReplayer({
      present: buildTestSnapshot({ routes: before }),
      snapshot: buildTestSnapshot({ routes: after }),
      catalog: [],
      now: 0,
      log: undefined,
    })
    onTestFinished(() => replayer.close())
    expect(replayer.replay(group(recorded))?.route?.route.name).toBe(expected)
  },
)
