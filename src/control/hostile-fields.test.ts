import { expect, test } from 'vitest'
import type { z } from 'zod'
import { excessOf, hostileTexts } from '../../test/harness/hostile-texts.ts'
import { entities, type Entity } from '../entities/entities.ts'
import { Problem } from '../lib/problem.ts'
import { entityTools } from './apply/entity-tools.ts'
import { parseFields } from './parse-fields.ts'

const length = 1024 * 1024

type Texts = (name: string, build: (size: number) => string, size: number) => string

/** Every text is built once, because to build it takes longer than most of the work on it. */
function openTexts(): Texts {
  const built = new Map<string, string>()
  return (name, build, size) => {
    const key = `${name} ${size}`
    const text = built.get(key) ?? build(size)
    built.set(key, text)
    return text
  }
}

const texts = openTexts()
// V8 remembers some results about strings that have been keys, so a text that is a value never is one.
const keys = openTexts()

/** A body is read, normalized, validated and completed as a change does. */
function check(entity: Entity, body: Record<string, unknown>): void {
  try {
    const fields = parseFields(entity, entity.normalize?.(body) ?? body, [])
    entity.complete?.(fields, { tools: entityTools, now: 0, refusalOf: () => undefined })
  } catch (error) {
    if (!(error instanceof Problem)) throw error
  }
}

for (const entity of entities) {
  test(`no text of 1 MiB in a field of ${entity.plural} costs more than linear work`, () => {
    const shape = entity.fields.shape as Record<string, z.ZodType>
    const found = Object.keys(shape).flatMap((field) =>
      Object.entries(hostileTexts).flatMap(([name, build]) =>
        [
          (size: number) => texts(name, build, size),
          (size: number) => [texts(name, build, size)],
          (size: number) => ({ [keys(name, build, size)]: [texts(name, build, size)] }),
        ]
          .map((wrap) => excessOf((size) => check(entity, { [field]: wrap(size) }), length))
          .flatMap((excess) => (excess === undefined ? [] : [{ field, name, ...excess }])),
      ),
    )
    expect(found).toEqual([])
  })
}

test('a password of combining marks is refused before it is normalized', async () => {
  const password = hostileTexts['combining marks']!(length)
  await expect(entityTools.hashPassword(password)).rejects.toThrow('at most 1000 characters')
})
