import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Problem } from '../lib/problem.ts'
import { openDataKeyFile } from './data-key-file.ts'
import { addMasterKey, rewrap, openKeyring } from './keyring.ts'
import { readMasterKey } from './master-key.ts'

const masterOf = (text: string) => readMasterKey({ text, name: 'KEY' }, () => undefined)
const master = masterOf(randomBytes(32).toString('hex'))
const other = masterOf(randomBytes(32).toString('base64'))

describe('a seal', () => {
  const keyring = openKeyring(master)
  const cipher = keyring.openDataKey(keyring.makeDataKey())

  test('decrypts what was encrypted, and encrypts to another ciphertext each time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 6 }), fc.string(), (clear, place) => {
        const sealed = cipher.seal(clear, place)
        expect(cipher.open(sealed, place)).toBe(clear)
        expect(sealed).not.toContain(clear)
        expect(cipher.seal(clear, place)).not.toBe(sealed)
      }),
    )
  })

  test('decrypts any JSON value to the same value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const opened = cipher.openValue(cipher.sealValue(value, 'p'), 'p')
        expect(JSON.stringify(opened)).toBe(JSON.stringify(value))
      }),
    )
  })

  test('does not decrypt with other additional data, or with one bit flipped', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1 }), fc.nat(), fc.nat(7), (clear, at, bit) => {
        const sealed = cipher.sealBytes(clear, 'here')
        expect(() => cipher.openBytes(sealed, 'there')).toThrow(Problem)
        const changed = Uint8Array.from(sealed)
        const index = at % changed.length
        changed[index] = (changed[index] ?? 0) ^ (1 << bit)
        expect(() => cipher.openBytes(changed, 'here')).toThrow('cannot be decrypted')
      }),
    )
  })

  test('gives equal digests for equal texts under the same key only', () => {
    const stranger = keyring.openDataKey(keyring.makeDataKey())
    expect(cipher.digest('key')).toBe(cipher.digest('key'))
    expect(cipher.digest('key')).not.toBe(cipher.digest('kez'))
    expect(cipher.digest('key')).not.toBe(stranger.digest('key'))
  })
})

describe('a data key', () => {
  test('is unwrapped by its master key only, and the error names the key it needs', () => {
    const wrapped = openKeyring(master).makeDataKey()
    expect(wrapped).not.toContain(master.bytes.toString('base64url'))
    expect(() => openKeyring(other).openDataKey(wrapped)).toThrow(master.id)
    expect(() => openKeyring(other).openDataKey('{}')).toThrow('damaged')
  })

  test('is rewrapped for another master key without changing', () => {
    const wrapped = openKeyring(master).makeDataKey()
    const sealed = openKeyring(master).openDataKey(wrapped).seal('x', 'p')
    const both = addMasterKey(wrapped, master, other)
    expect(addMasterKey(both, master, other).match(/"by"/g)).toHaveLength(2)
    const last = rewrap(both, other)
    for (const [key, text] of [
      [master, both],
      [other, both],
      [other, last],
    ] as const) {
      expect(openKeyring(key).openDataKey(text).open(sealed, 'p')).toBe('x')
    }
    expect(() => openKeyring(master).openDataKey(last)).toThrow(other.id)
    expect(() => rewrap(wrapped, other)).toThrow(Problem)
  })

  test('in a file is created once, readable by its owner only', () => {
    const file = join(temporary(), 'gateway', 'data-key')
    const sealed = openDataKeyFile(file, openKeyring(master)).seal('x', 'p')
    expect(openDataKeyFile(file, openKeyring(master)).open(sealed, 'p')).toBe('x')
    expect(statSync(file).mode & 0o077).toBe(0)
    expect(() => openDataKeyFile(file, openKeyring(other))).toThrow('not the one')
  })
})

describe('a master key', () => {
  test('is created in a file readable by its owner only, once, and then read', () => {
    const file = join(temporary(), 'encryption.key')
    const made: string[] = []
    const read = () => readMasterKey({ file, mayMake: true }, (path) => made.push(path))
    expect(read().id).toBe(read().id)
    expect(made).toEqual([file])
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(masterOf(readFileSync(file, 'utf8')).id).toBe(read().id)
  })

  test.each(['', 'secret', 'a'.repeat(63), 'g'.repeat(64), randomBytes(31).toString('base64')])(
    'refuses %j',
    (text) => expect(() => masterOf(text)).toThrow('KEY is not valid'),
  )

  test('reports the file when it is missing or contains no key', () => {
    const file = join(temporary(), 'my.key')
    const read = () => readMasterKey({ file, mayMake: false }, () => undefined)
    expect(read).toThrow(file)
    writeFileSync(file, 'hello')
    expect(read).toThrow(file)
  })
})

function temporary(): string {
  const folder = mkdtempSync(join(tmpdir(), 'weir-secrets-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
