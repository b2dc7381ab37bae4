import { expect, test } from 'vitest'
import { generateAuditKey } from '../../src/audit/audit-key.ts'
import { openAuditLog } from '../../src/control/audit/open-audit-log.ts'
import { systemClock } from '../../src/lib/clock.ts'
import type { AuditRecord } from '../../src/schema/audit-record.ts'
import { describeEachStore, openStoreAt } from '../harness/store-engines.ts'
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

describeEachStore(({ engine, fresh }) => {
  test('concurrent writers append to one chain without a fork', async () => {
    const place = await fresh()
    const key = generateAuditKey()
    const stores = [await openStoreAt(place)]
    if (engine === 'PostgreSQL') stores.push(await openStoreAt(place), await openStoreAt(place))
    const auditLogs = stores.map((store) => openAuditLog(store.audit, key, systemClock))
    await Promise.all(
      Array.from({ length: 130 }, async (_, number) =>
        auditLogs[number % auditLogs.length]?.write(recordOf(number)),
      ),
    )
    const reports = await Promise.all(auditLogs.map((auditLog) => auditLog.verify()))
    for (const report of reports)
      expect(report).toMatchObject({
        intact: true,
        records: 130,
        first: 1,
        last: 130,
        checkpoints: 2,
      })
    const [page] = await Promise.all(
      auditLogs.map((auditLog) => auditLog.read({ path: '/services/12' }, 20)),
    )
    expect(page).toHaveLength(11)
    await Promise.all(stores.map((store) => store.close()))
  })

  test('values that databases normalize do not verify as tampering', async () => {
    const store = await openStoreAt(await fresh())
    const auditLog = openAuditLog(store.audit, generateAuditKey(), systemClock)
    const because = `schema violation (name: \ud800 is no name)`
    await auditLog.write({ ...recordOf(1), path: '/services/\0', because })
    expect(await auditLog.verify()).toMatchObject({ intact: true, records: 1 })
    await store.close()
  })

  test('reads lists in the formats of this and earlier versions, and no other text as a list', async () => {
    const place = await fresh()
    const store = await openStoreAt(place)
    const auditLog = openAuditLog(store.audit, generateAuditKey(), systemClock)
    const after = [{ entity: 'service', text: '},\n{ ],\n[' }, null, [1, [2]], 'x']
    await auditLog.write({ ...recordOf(1), after })
    const keepText = async (text: string): Promise<void> =>
      void (await runSql(place, `update audit set after = '${text}'`))
    const readLists = async () => (await auditLog.read({}, 1)).map((record) => record.after)
    expect(await readLists()).toEqual([after])
    await keepText(JSON.stringify(after))
    expect(await readLists()).toEqual([after])
    expect(await auditLog.verify()).toMatchObject({ intact: true })
    const written = after.map((item) => JSON.stringify(item)).join(',\n')
    for (const text of [`[${written},\n]`, `[${written}, ]`, `[ ${written}]`, written, '[', '']) {
      await keepText(text)
      expect(await readLists()).toEqual([[text]])
      expect((await auditLog.verify()).faults).toMatchObject([{ kind: 'changed', sequence: 1 }])
    }
    await store.close()
  })

  test('reports a record changed in the tables, and accepts pruned records', async () => {
    const place = await fresh()
    const store = await openStoreAt(place)
    const auditLog = openAuditLog(store.audit, generateAuditKey(), systemClock)
    for (let number = 0; number < 12; number += 1) await auditLog.write(recordOf(number))
    expect(await auditLog.prune(recordOf(4).time)).toBe(4)
    expect(await auditLog.verify()).toMatchObject({ intact: true, first: 5, last: 13 })
    await runSql(place, `update audit set because = 'It was not.' where sequence = 7`)
    expect((await auditLog.verify()).faults).toMatchObject([{ kind: 'changed', sequence: 7 }])
    await runSql(place, `delete from audit where sequence in (8, 9)`)
    expect((await auditLog.verify()).faults).toMatchObject([
      { kind: 'changed', sequence: 7 },
      { kind: 'missing', sequence: 8, through: 9 },
    ])
    await store.close()
  })
})
