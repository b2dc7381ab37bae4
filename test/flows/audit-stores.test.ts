import { expect, test } from 'vitest'
import { makeAuditKey } from '../../src/audit/audit-key.ts'
import { openLedger } from '../../src/control/open-ledger.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { AuditRecord } from '../../src/schema/audit-record.ts'
import { eachStore, openStoreAt } from '../harness/each-store.ts'
import { runSql } from '../harness/run-sql.ts'

const recordOf = (number: number): AuditRecord => ({
  id: `record-${number}`,
  time: 1_700_000_000_000 + number,
  requestId: `request-${number}`,
  principal: number % 2 === 0 ? null : { id: 'p', name: 'anna' },
  address: '127.0.0.1',
  workspace: 'default',
  workspaceId: 'w',
  method: 'POST',
  path: `/services/${number}`,
  action: 'create',
  allowed: true,
  because: 'It is so.',
  before: [],
  after: [{ entity: 'service', id: `s${number}`, weight: 0.1 * number, tags: ['ü', null] }],
  status: 201,
  revision: null,
})

eachStore(({ engine, fresh }) => {
  test('concurrent writers append to one chain without a fork', async () => {
    const place = await fresh()
    const key = makeAuditKey()
    const stores = [await openStoreAt(place)]
    if (engine === 'PostgreSQL') stores.push(await openStoreAt(place), await openStoreAt(place))
    const ledgers = stores.map((store) => openLedger(store.audit, key, systemClock))
    await Promise.all(
      Array.from({ length: 130 }, async (_, number) =>
        ledgers[number % ledgers.length]?.keep(recordOf(number)),
      ),
    )
    const reports = await Promise.all(ledgers.map((ledger) => ledger.verify()))
    for (const report of reports)
      expect(report).toMatchObject({
        intact: true,
        records: 130,
        first: 1,
        last: 130,
        checkpoints: 2,
      })
    const [page] = await Promise.all(
      ledgers.map((ledger) => ledger.read({ path: '/services/12' }, 20)),
    )
    expect(page).toHaveLength(11)
    await Promise.all(stores.map((store) => store.close()))
  })

  test('values that databases normalize do not verify as tampering', async () => {
    const store = await openStoreAt(await fresh())
    const ledger = openLedger(store.audit, makeAuditKey(), systemClock)
    const because = `schema violation (name: \ud800 is no name)`
    await ledger.keep({ ...recordOf(1), path: '/services/\0', because })
    expect(await ledger.verify()).toMatchObject({ intact: true, records: 1 })
    await store.close()
  })

  test('reports a record changed in the tables, and accepts pruned records', async () => {
    const place = await fresh()
    const store = await openStoreAt(place)
    const ledger = openLedger(store.audit, makeAuditKey(), systemClock)
    for (let number = 0; number < 12; number += 1) await ledger.keep(recordOf(number))
    expect(await ledger.prune(recordOf(4).time)).toBe(4)
    expect(await ledger.verify()).toMatchObject({ intact: true, first: 5, last: 13 })
    await runSql(place, `update audit set because = 'It was not.' where sequence = 7`)
    expect((await ledger.verify()).faults).toMatchObject([{ kind: 'changed', sequence: 7 }])
    await runSql(place, `delete from audit where sequence in (8, 9)`)
    expect((await ledger.verify()).faults).toMatchObject([
      { kind: 'changed', sequence: 7 },
      { kind: 'missing', sequence: 8, through: 9 },
    ])
    await store.close()
  })
})
