import { systemPrincipal } from '../../src/control/permit.ts'
import { readOrCreateAuditKey } from '../../src/audit/audit-key.ts'
import { openConfiguration } from '../../src/control/open-configuration.ts'
import type { Operation } from '../../src/entities/operation.ts'
import { defaultWorkspace } from '../../src/entities/default-workspace.ts'
import { openPostgresStore } from '../../src/store/open-postgres-store.ts'
import { openSqliteStore } from '../../src/store/open-sqlite-store.ts'

/** Makes one large change after the other, reports the start and the revision of each, until it is killed. */
const [place = '', keyFile = '', pairs = ''] = process.argv.slice(2)
const configuration = await openConfiguration({
  store: place.startsWith('postgres:')
    ? await openPostgresStore(place, '')
    : await openSqliteStore(place),
  catalog: [],
  compile: () => undefined,
  auditKey: readOrCreateAuditKey(keyFile),
})
for (let number = configuration.current().revision; ; number += 1) {
  process.stdout.write('begin\n')
  const { revision } = await configuration.change({
    principal: systemPrincipal,
    check: { ask: { workspace: defaultWorkspace, path: '/', action: 'update' } },
    origin: { requestId: String(number), address: '', method: 'PUT', path: '/' },
    status: 200,
    operations: syncOf(number, Number(pairs)),
  })
  process.stdout.write(`${revision}\n`)
}

/** All of the pairs of a service and its route are put or, every third time, removed. */
function syncOf(number: number, size: number): Operation[] {
  return Array.from({ length: size }, (_, pair): Operation[] => {
    const name = `s${pair}`
    const service = { entity: 'service', workspace: defaultWorkspace.id, at: name } as const
    const route = { entity: 'route', workspace: defaultWorkspace.id, at: `r${pair}` } as const
    if (number % 3 === 0) {
      return [
        { kind: 'delete', ...route },
        { kind: 'delete', ...service },
      ]
    }
    return [
      { kind: 'replace', ...service, body: { host: `h${number}.example` } },
      { kind: 'replace', ...route, body: { paths: [`/${number}`], service: { name } } },
    ]
  }).flat()
}
