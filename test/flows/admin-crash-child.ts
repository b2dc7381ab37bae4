import { openConfiguration } from '../../src/control/open-configuration.ts'
import { openSqliteStore } from '../../src/store/open-sqlite-store.ts'
import { defaultWorkspace } from '../../src/schema/workspace.ts'

/** Makes one change after the other and says which revision each became, until it is killed. */
const configuration = await openConfiguration({
  store: await openSqliteStore(process.argv[2] ?? ''),
  catalog: [],
  compile: () => undefined,
})
for (let number = 0; ; number += 1) {
  const name = `s${number % 20}`
  const service = { entity: 'service', workspace: defaultWorkspace.id, at: name }
  const route = { entity: 'route', workspace: defaultWorkspace.id, at: `r${number % 20}` }
  const isEven = Math.floor(number / 20) % 2 === 0
  const { revision } = await configuration.change({
    asker: 'weir',
    question: { ask: { workspace: defaultWorkspace, path: '/', action: 'update' } },
    origin: { requestId: String(number), address: '', method: 'PUT', path: '/' },
    status: 200,
    operations: isEven
      ? [
          { kind: 'replace', ...service, body: { host: `h${number}.example` } },
          { kind: 'replace', ...route, body: { paths: [`/${number}`], service: { name } } },
        ]
      : [
          { kind: 'delete', ...route },
          { kind: 'delete', ...service },
        ],
  })
  process.stdout.write(`${revision}\n`)
}
