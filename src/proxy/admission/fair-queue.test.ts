import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FairQueue } from './fair-queue.ts'

/** A simple model of FairQueue: a list of lines, the next one first. */
class Model {
  lines: { connection: object; items: number[] }[] = []

  #of = (connection: object) => this.lines.find((line) => line.connection === connection)

  push(connection: object, item: number): void {
    const line = this.#of(connection)
    if (line === undefined) this.lines.push({ connection, items: [item] })
    else line.items.push(item)
  }

  shift(): number | undefined {
    while (this.lines[0]?.items.length === 0) this.lines.shift()
    const line = this.lines.shift()
    if (line === undefined) return undefined
    const item = line.items.shift()
    if (line.items.length > 0) this.lines.push(line)
    return item
  }

  evictFor(connection: object): number | undefined {
    const longest = Math.max(0, ...this.lines.map(({ items }) => items.length))
    if (longest < (this.#of(connection)?.items.length ?? 0) + 2) return undefined
    return this.lines.find(({ items }) => items.length === longest)?.items.pop()
  }

  remove(connection: object, item: number): boolean {
    const line = this.#of(connection)
    if (line === undefined || !line.items.includes(item)) return false
    line.items = line.items.filter((other) => other !== item)
    return true
  }

  removeLate(isLate: (item: number, length: number) => boolean): number[] {
    return this.lines.flatMap(({ items }) => {
      const kept = items.findIndex((item, index) => !isLate(item, items.length - index))
      return items.splice(0, kept < 0 ? items.length : kept)
    })
  }

  get behind(): number {
    return this.lines.reduce((sum, { items }) => sum + Math.max(0, items.length - 1), 0)
  }

  get size(): number {
    return this.lines.reduce((sum, { items }) => sum + items.length, 0)
  }
}

const connections = Array.from({ length: 4 }, () => ({}))
const step = fc.record({
  act: fc.constantFrom('push', 'push', 'push', 'shift', 'evictFor', 'remove', 'removeLate'),
  connection: fc.constantFrom(...connections),
  item: fc.nat(60),
})

type Step = { act: string; connection: object; item: number }

/** Items are numbers in order of arrival. */
function act(
  queue: FairQueue<number> | Model,
  { act: name, connection, item }: Step,
  next: number,
) {
  if (name === 'push') return queue.push(connection, next)
  if (name === 'shift') return queue.shift()
  if (name === 'evictFor') return queue.evictFor(connection)
  if (name === 'remove') return queue.remove(connection, item)
  return queue.removeLate((waiting, length) => waiting < next - item && length > item % 3)
}

test('behaves like a simple model of a fair queue', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const queue = new FairQueue<number>()
      const model = new Model()
      for (const [next, one] of steps.entries()) {
        expect(act(queue, one, next)).toEqual(act(model, one, next))
        expect([queue.size, queue.behind]).toEqual([model.size, model.behind])
      }
    }),
    { numRuns: 2_000 },
  )
})

test('serves a new connection after at most one request of each other connection', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 9 }),
      (greedy) => {
        const queue = new FairQueue<string>()
        for (const count of greedy) {
          const connection = {}
          for (let sent = 0; sent < count; sent++) queue.push(connection, 'greedy')
        }
        queue.push({}, 'modest')
        const served = Array.from({ length: greedy.length + 1 }, () => queue.shift())
        expect(served).toContain('modest')
      },
    ),
  )
})

test('evicts from the longest lines until all lines are equally long', () => {
  const queue = new FairQueue<number>()
  const greedy = {}
  for (let item = 0; item < 100; item++) queue.push(greedy, item)
  let made = 0
  for (let modest = 0; modest < 200; modest++) {
    const connection = {}
    const evicted = queue.evictFor(connection)
    if (evicted === undefined) continue
    expect(evicted).toBe(99 - made++)
    queue.push(connection, 1_000 + modest)
  }
  expect(made).toBe(99)
  expect(queue.evictFor(greedy)).toBeUndefined()
})
