import fc from 'fast-check'
import { expect, test } from 'vitest'
import { runToCompletion } from '../../lib/cooperative-task.ts'
import { Problem } from '../../lib/problem.ts'
import { parseJson, parseMultipart, parseUrlEncoded } from './read-body.ts'
import { readForm } from './read-form.ts'
import { readMultipart } from './read-multipart.ts'

const mebibyte = 1024 * 1024

/** Bodies of about the given size. */
const forms: Readonly<Record<string, (size: number) => string>> = {
  'a repeated name, a=&a=&…': (size) => 'a=&'.repeat(size / 3),
  'a repeated list, a[]=&a[]=&…': (size) => 'a[]=&'.repeat(size / 5),
  'distinct names': (size) => Array.from({ length: size / 8 }, (_, index) => `${index}=`).join('&'),
  'separators only': (size) => '&'.repeat(size),
  'one name of dots': (size) => '.'.repeat(size),
  'many names of dots': (size) => `${'.'.repeat(size / 900)}=&`.repeat(900),
  'one name of brackets': (size) => '['.repeat(size),
  'one name of digits in brackets': (size) => '[1'.repeat(size / 2),
  'escapes in one value': (size) => `a=${'%41'.repeat(size / 3)}`,
  'plus signs in one value': (size) => `a=${'+'.repeat(size)}`,
}

const jsons: Readonly<Record<string, (size: number) => string>> = {
  'nested lists': (size) => '['.repeat(size / 2) + ']'.repeat(size / 2),
  'nested objects': (size) => '{"a":'.repeat(size / 6) + '1' + '}'.repeat(size / 6),
  'lists that never end': (size) => '['.repeat(size),
  'an empty list often': (size) => `[${'[],'.repeat(size / 3)}[]]`,
  'one name often': (size) => `{${'"a":1,'.repeat(size / 6)}"a":1}`,
  'distinct names': (size) =>
    `{${Array.from({ length: size / 12 }, (_, index) => `"${index}":1`).join(',')}}`,
  'escapes in one string': (size) => `"${'\\u0041'.repeat(size / 6)}"`,
  whitespace: (size) => ' '.repeat(size),
}

const type = 'multipart/form-data; boundary=b'
const head = '--b\r\nContent-Disposition: form-data; name="a"'
const multiparts: Readonly<Record<string, (size: number) => string>> = {
  'many parts': (size) => `${`${head}\r\n\r\n\r\n`.repeat(size / 51)}--b--`,
  'many headers of a part': (size) => `--b\r\n${'X: y\r\n'.repeat(size / 6)}\r\n\r\n--b--`,
  'many line ends': (size) => `${head}\r\n\r\n${'\r\n--'.repeat(size / 4)}\r\n--b--`,
  'many parameters of a part': (size) =>
    `${head}${'; filename="x"'.repeat(size / 14)}\r\n\r\nx\r\n--b--`,
  'dashes that begin no delimiter': (size) => `${head}\r\n\r\n${'-'.repeat(size)}\r\n--b--`,
  'dots in a name': (size) =>
    `--b\r\nContent-Disposition: form-data; name="${'.'.repeat(size)}"\r\n\r\n\r\n--b--`,
}

for (const [shape, build] of Object.entries(forms)) {
  test(`an unauthenticated form of ${shape} costs work linear in its size`, async () => {
    expect(await excessOf(build, (body) => parseUrlEncoded(body))).toBeUndefined()
  })
}

for (const [shape, build] of Object.entries(jsons)) {
  test(`a JSON body of ${shape} costs work linear in its size`, async () => {
    expect(await excessOf(build, (body) => parseJson(body))).toBeUndefined()
  })
}

for (const [shape, build] of Object.entries(multiparts)) {
  test(`a multipart form of ${shape} costs work linear in its size`, async () => {
    expect(await excessOf(build, (body) => parseMultipart(type, Buffer.from(body)))).toBeUndefined()
  })
}

test('refuses a form of more than 1000 fields in every encoding, and names the limit', async () => {
  const because = 'A form has at most 1000 fields.'
  const part = `${head}\r\n\r\nx\r\n`
  const refused = { status: 400, message: 'Too many arguments', detail: { because } }
  expect(await outcomeOf(() => parseUrlEncoded('a=1&'.repeat(1001)))).toMatchObject(refused)
  expect(
    await outcomeOf(() => parseMultipart(type, Buffer.from(`${part.repeat(1001)}--b--`))),
  ).toMatchObject(refused)
  expect(await outcomeOf(() => readForm(pairs(1001)))).toMatchObject(refused)
  expect(parseUrlEncoded('a=1&'.repeat(999) + 'a=1')['a']).toHaveLength(1000)
})

test('refuses more than 64 levels in a form and in JSON, and names the limit', async () => {
  const field = (levels: number) => `${'a.'.repeat(levels - 1)}a=1`
  const json = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
  expect(await outcomeOf(() => parseUrlEncoded(field(65)))).toMatchObject({
    status: 400,
    detail: { because: 'A field of a form has at most 64 levels.' },
  })
  expect(await outcomeOf(() => parseJson(json(65)))).toMatchObject({
    status: 400,
    detail: { because: 'A body has at most 64 levels.' },
  })
  expect(await outcomeOf(() => parseJson(`[${'1,'.repeat(10_000)}1]`))).toMatchObject({
    status: 400,
    detail: { because: 'A body has at most 10000 values.' },
  })
  expect(await outcomeOf(() => parseUrlEncoded(field(64)))).not.toBeInstanceOf(Error)
  expect(await outcomeOf(() => parseJson(json(64)))).not.toBeInstanceOf(Error)
})

test('builds nested objects and lists from the names of a form, without inherited members', () => {
  const text =
    'config.minute=5&paths[]=/a&paths[2]=/b&tags=x&tags=y&toString=z&a.valueOf.b=1&__proto__.c=1'
  expect(parseUrlEncoded(text)).toEqual({
    config: { minute: '5' },
    paths: ['/a', '/b'],
    tags: ['x', 'y'],
    toString: 'z',
    a: { valueOf: { b: '1' } },
  })
  expect(({} as Record<string, unknown>)['c']).toBeUndefined()
})

test('refuses __proto__ in JSON at every depth', async () => {
  await expect(parseJson('{"__proto__":{}}')).rejects.toThrow('Cannot parse JSON body')
  await expect(parseJson('[{"a":{"__proto__":1}}]')).rejects.toThrow('Cannot parse JSON body')
})

test('reads the fields of a multipart form as the parser of the platform does', async () => {
  const text = fc.string({ unit: fc.constantFrom('a', '"', '\n', '\r\n', '-', '--', 'é', ' ') })
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(text, text, fc.boolean())), async (fields) => {
      const form = new FormData()
      for (const [name, value, isFile] of fields)
        form.append(`f${name}`, isFile ? new File([value], 'x') : value)
      const sent = new Response(form)
      const contentType = sent.headers.get('content-type') ?? ''
      const body = Buffer.from(await sent.arrayBuffer())
      const received = await new Response(body, {
        headers: { 'content-type': contentType },
      }).formData()
      const expected = [...received].map(async ([name, value]) => [
        name,
        typeof value === 'string' ? value : await value.text(),
      ])
      // As browsers do, the platform writes line breaks of names as %0D%0A.
      expect(runToCompletion(readMultipart(contentType, body))).toEqual(await Promise.all(expected))
    }),
  )
})

/** Sixteen times the size may cost at most forty times the CPU time, which quadratic work (256 times) exceeds by far. */
async function excessOf(
  build: (size: number) => string,
  parse: (body: string) => unknown,
): Promise<{ small: number; large: number } | undefined> {
  const small = await cpuOf(build(mebibyte / 16), parse)
  const large = await cpuOf(build(mebibyte), parse)
  // Below 100 ms of CPU time the ratio measures the garbage collector.
  return large < Math.max(40 * small, 100_000) ? undefined : { small, large }
}

/** CPU time in microseconds, the least of five runs. */
async function cpuOf(body: string, parse: (body: string) => unknown): Promise<number> {
  let least = Infinity
  for (let run = 0; run < 5; run += 1) {
    const start = process.cpuUsage()
    const outcome = await outcomeOf(() => parse(body))
    const { user, system } = process.cpuUsage(start)
    if (outcome instanceof Error && !(outcome instanceof Problem)) throw outcome
    least = Math.min(least, user + system)
  }
  return least
}

async function outcomeOf(act: () => unknown): Promise<unknown> {
  try {
    return await act()
  } catch (error) {
    return error
  }
}

const pairs = (count: number): [string, string][] => Array.from({ length: count }, () => ['a', '1'])
