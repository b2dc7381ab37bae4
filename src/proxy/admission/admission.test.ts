import fc from 'fast-check'
import { expect, test } from 'vitest'
import { buildExchange } from '../../../test/harness/build-target.ts'
import { Admission, type AdmissionRequest } from './admission.ts'

const entering = (connection?: object) =>
  buildExchange({ connection: connection as AdmissionRequest['request']['connection'] })

function enter(admission: Admission, of = entering()) {
  const fate = { of, state: 'waiting' }
  const settle = (state: string) => () => (fate.state = state)
  try {
    const waiting = admission.enter(of)
    if (waiting === undefined) fate.state = 'in'
    else waiting.then(settle('in'), (problem: { code: string }) => settle(problem.code)())
  } catch (problem) {
    fate.state = (problem as { code: string }).code
  }
  return fate
}

function heldAdmission(limits: { inFlight: number; waiting: number }) {
  const time = { now: 1 }
  return { time, admission: new Admission(limits, () => time.now) }
}

const settled = (): Promise<void> => Promise.resolve()

/** Drives an admission and records the outcome of every request. */
function openTrial(limits: { inFlight: number; waiting: number }) {
  const { time, admission } = heldAdmission(limits)
  const fates: ReturnType<typeof enter>[] = []
  const those = (state: string) => fates.filter((fate) => fate.state === state)
  const acts = {
    enter: () => fates.push(enter(admission)),
    leave() {
      const [fate] = those('in')
      if (fate === undefined) return
      fate.state = 'done'
      admission.leave(fate.of)
    },
    gone: () => those('waiting')[0]?.of.clientLeft(),
    sweep: () => admission.sweep(),
    pass: () => (time.now += 100),
    busy: () => admission.observe(100),
    calm: () => admission.observe(1),
  }
  return { admission, those, acts }
}

test('keeps requests in flight and waiting within their limits, and settles every request', async () => {
  const act = fc.constantFrom('enter', 'enter', 'leave', 'gone', 'sweep', 'pass', 'busy', 'calm')
  const limits = fc.record({ inFlight: fc.integer({ min: 1, max: 60 }), waiting: fc.nat(6) })
  const trial = async (limit: { inFlight: number; waiting: number }, names: string[]) => {
    const { admission, those, acts } = openTrial(limit)
    for (const name of names) {
      acts[name as keyof typeof acts]()
      await settled()
      expect(admission.inFlight).toBe(those('in').length)
      expect(admission.waiting).toBe(those('waiting').length)
      expect(admission.inFlight).toBeLessThanOrEqual(limit.inFlight)
      expect(admission.waiting).toBeLessThanOrEqual(limit.waiting)
      const hasPlace = admission.inFlight < admission.open
      expect(hasPlace && admission.waiting > 0, 'who could go on waits').toBe(false)
    }
  }
  await fc.assert(fc.asyncProperty(limits, fc.array(act, { maxLength: 200 }), trial), {
    numRuns: 300,
  })
})

test('refuses after half a second in a burst, and after 20 ms in a standing queue', async () => {
  const { time, admission } = heldAdmission({ inFlight: 1, waiting: 100 })
  const first = enter(admission)
  const burst = enter(admission)
  time.now += 490
  admission.sweep()
  await settled()
  expect(burst.state).toBe('waiting')
  time.now += 20
  const late = enter(admission)
  admission.sweep()
  await settled()
  expect([burst.state, late.state]).toEqual(['admission.late', 'waiting'])
  time.now += 30
  admission.sweep()
  await settled()
  expect(late.state).toBe('admission.late')
  admission.leave(first.of)
  time.now += 200
  expect(enter(admission).state).toBe('in')
  const again = enter(admission)
  time.now += 400
  admission.sweep()
  await settled()
  expect(again.state, 'what stood has cleared').toBe('waiting')
})

test('lowers the limit once the event loop lagged for half a second and restores it afterwards', () => {
  const { admission } = heldAdmission({ inFlight: 1_000, waiting: 0 })
  for (let index = 0; index < 600; index++) enter(admission)
  for (let index = 0; index < 5; index++) admission.observe(200)
  expect(admission.open).toBe(150)
  for (let index = 0; index < 10; index++) admission.observe(200)
  expect(admission.open).toBeLessThan(50)
  for (let index = 0; index < 30; index++) admission.observe(1)
  expect(admission.open).toBe(1_000)
})

test('keeps the limit while the event loop lags for less than half a second at a time', () => {
  const { admission } = heldAdmission({ inFlight: 1_000, waiting: 0 })
  for (let index = 0; index < 600; index++) enter(admission)
  for (const lag of [900, 200, 200, 200, 1, 200, 200, 200, 200, 20, 900]) admission.observe(lag)
  expect(admission.open).toBe(1_000)
})

test('does not count long-running requests against the limit of a lagging event loop', () => {
  const { admission } = heldAdmission({ inFlight: 1_000, waiting: 0 })
  for (let index = 0; index < 600; index++) enter(admission)
  for (let index = 0; index < 20; index++) admission.observe(1)
  for (let index = 0; index < 60; index++) enter(admission)
  for (let index = 0; index < 20; index++) admission.observe(200)
  expect(admission.open).toBeGreaterThanOrEqual(632)
})

test('serves connections round-robin, so that one connection cannot delay the others', async () => {
  const { admission } = heldAdmission({ inFlight: 1, waiting: 100 })
  const first = enter(admission)
  const greedy = {}
  for (let index = 0; index < 100; index++) enter(admission, entering(greedy))
  const modest = Array.from({ length: 10 }, () => enter(admission))
  admission.leave(first.of)
  for (let turn = 0; turn < 10; turn++) admission.leave(entering())
  await settled()
  expect(modest.map(({ state }) => state)).toEqual(modest.map(() => 'in'))
})

test('does not refuse a connection with one waiting request while others have many', async () => {
  const { time, admission } = heldAdmission({ inFlight: 1, waiting: 100 })
  enter(admission)
  const greedy = {}
  for (let index = 0; index < 20; index++) enter(admission, entering(greedy))
  time.now += 501
  admission.sweep()
  const modest = enter(admission)
  const more = Array.from({ length: 20 }, () => enter(admission, entering(greedy)))
  time.now += 100
  admission.sweep()
  await settled()
  expect(modest.state).toBe('waiting')
  expect(more.map(({ state }) => state)).toContain('admission.late')
})
