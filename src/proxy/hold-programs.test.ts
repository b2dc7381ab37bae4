import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { yieldToEventLoop } from '../lib/cooperative-task.ts'
import { buildTestSnapshot } from '../../test/harness/build-snapshot.ts'
import { holdPrograms, type HeldProgram } from './hold-programs.ts'
import { definePlugin, type PluginUse } from './plugin.ts'
import { compileProgram, type Program } from './program.ts'

/** Compiles programs with a plugin for each number, and knows which plugins are open. */
function openCompiler() {
  const open = new Set<PluginUse>()
  const counted = definePlugin({
    name: 'counted',
    about: 'Knows whether it is open.',
    settings: z.object({ number: z.number() }),
    prepare() {
      const use: PluginUse = {
        close() {
          expect(open.delete(use), 'a plugin is closed once').toBe(true)
        },
      }
      open.add(use)
      return use
    },
  })
  const tools = {
    catalog: [counted],
    counters: { take: () => ({ admitted: true, counts: [] }) },
    clock: { now: () => 0 },
  }
  const compile = (numbers: readonly number[], previous?: Program): Program => {
    const plugins = numbers.map((number) => ({ name: 'counted', config: { number } }))
    return compileProgram(buildTestSnapshot({ plugins }), 1, tools, previous)
  }
  return { open, compile }
}

const usesOf = ({ tables }: Program): PluginUse[] =>
  Array.from(tables.plugins.byId.values(), ({ use }) => use)

const configurations = fc.array(fc.nat(1), { minLength: 1, maxLength: 3 })
const actions = fc.array(
  fc.oneof(
    fc.record({ swap: configurations, sharing: fc.nat(9).map((one) => one > 0) }),
    fc.constant('take' as const),
    fc.record({ release: fc.nat() }),
  ),
  { minLength: 10, maxLength: 60 },
)

test('a plugin is open while the current program or an exchange has it, and not longer', () => {
  fc.assert(
    fc.property(configurations, actions, (first, steps) => {
      const { open, compile } = openCompiler()
      let current = compile(first)
      const programs = holdPrograms(current)
      const exchanges: HeldProgram[] = []
      for (const step of steps) {
        if (step === 'take') exchanges.push(programs.take())
        else if ('release' in step) {
          const [ended] = exchanges.splice(step.release % Math.max(exchanges.length, 1), 1)
          if (ended !== undefined) programs.release(ended)
        } else {
          current = compile(step.swap, step.sharing ? current : undefined)
          programs.swap(current)
        }
        const needed = [current, ...exchanges.map(({ program }) => program)].flatMap(usesOf)
        expect(open).toEqual(new Set(needed))
        expect(programs.exchanges).toBe(exchanges.length)
      }
    }),
    { numRuns: 500 },
  )
})

test('an exchange that does not end keeps no plugins of later programs open', () => {
  const { open, compile } = openCompiler()
  let current = compile([0, 0])
  const programs = holdPrograms(current)
  programs.take()
  for (let change = 1; change <= 1_000; change += 1) {
    const held = programs.take()
    current = compile([0, change], current)
    programs.swap(current)
    programs.release(held)
    expect(open.size).toBe(3)
  }
})

test('a program that has ended keeps no later one in memory', async () => {
  setFlagsFromString('--expose-gc')
  const collectGarbage = runInNewContext('gc') as () => void
  const { compile } = openCompiler()
  const programs = holdPrograms(compile([0]))
  const ended = programs.take()
  const later = new WeakRef(compile([1], ended.program))
  programs.swap(later.deref() as Program)
  programs.release(ended)
  programs.swap(compile([2], ended.program))
  await expect
    .poll(async () => {
      await yieldToEventLoop()
      collectGarbage()
      return later.deref()
    })
    .toBeUndefined()
  expect(ended.exchanges).toBe(0)
})
