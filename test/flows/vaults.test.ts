import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type PeerCertificate } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { makeAuthority } from '../harness/make-certificate.ts'
import { startVault } from '../harness/start-vault.ts'
import { startWeir } from '../harness/start-weir.ts'
import { until } from '../harness/until.ts'

test('vault secrets reach TLS handshakes, but no response, file, log or revision of Weir', async () => {
  const vault = await startVault('the-token-of-the-vault')
  const authority = await makeAuthority('test')
  const issue = (name: string) => authority.issue({ names: [name] })
  const [first, second, own] = await Promise.all(['shop', 'store', 'own'].map(issue))
  if (first === undefined || second === undefined || own === undefined) throw new Error('no pairs')
  vault.secrets.set('secret/data/shop', first)
  const weir = await startWeir({
    env: {
      WEIR_WORKERS: '1',
      WEIR_VAULT_OWN_CERT: own.cert,
      WEIR_VAULT_OWN_KEY: own.key,
      FOREIGN_CERT: own.cert,
      FOREIGN_KEY: own.key,
    },
  })
  const ask = async (method: string, path: string, body?: unknown) => {
    const response = await weir.admin(method, path, body)
    return { status: response.status, text: await response.text() }
  }
  const present = async (name: string, cert: string, key: string) => {
    const pair = await ask('PUT', `/certificates/${name}`, { cert, key })
    expect(pair.status).toBe(200)
  }
  const shown = async (name: string) => (await subjectShown(weir.secureUrl, name))?.CN
  const settings = { ...at(vault.port), kv: 'v2', token: 'the-token-of-the-vault', ttl: 1 }
  expect((await ask('PUT', '/vaults/vaulted', { name: 'hcv', config: settings })).status).toBe(200)

  await present('own.example', '{vault://env/own-cert}', '{vault://env/own-key}')
  await until('the variable', async () => (await shown('own.example')) === 'own')
  await present('shop.example', '{vault://vaulted/shop/cert}', '{vault://vaulted/shop/key}')
  await until('the secret', async () => (await shown('shop.example')) === 'shop')
  const answer = await ask('GET', '/certificates/shop.example')
  expect(answer.text).toContain('{vault://vaulted/shop/key}')

  const { text: before } = await ask('GET', '/')
  vault.secrets.set('secret/data/shop', second)
  await until('the new secret', async () => (await shown('shop.example')) === 'store')
  expect(revisionIn((await ask('GET', '/')).text)).toBe(revisionIn(before))

  // Variables of the gateway that the operator did not release.
  await present('foreign.example', '{vault://env/foreign-cert}', '{vault://env/foreign-key}')
  await weir.untilApplied()
  expect(await shown('foreign.example')).not.toBe('own')

  // A vault of another workspace is not used; one that is created later is used from then on.
  await ask('POST', '/workspaces', { name: 'elsewhere' })
  const foreign = { cert: '{vault://vaulted/shop/cert}', key: '{vault://vaulted/shop/key}' }
  const elsewhere = await ask('PUT', '/elsewhere/certificates/elsewhere.example', foreign)
  expect(elsewhere.status).toBe(200)
  await present('late.example', '{vault://late/shop/cert}', '{vault://late/shop/key}')
  await weir.untilApplied()
  for (const name of ['elsewhere.example', 'late.example'])
    expect(await shown(name)).not.toBe('store')
  expect((await ask('PUT', '/vaults/late', { name: 'hcv', config: settings })).status).toBe(200)
  await until('the late vault', async () => (await shown('late.example')) === 'store')

  await weir.stop()
  const rests = filesBelow(weir.data).map((file) => readFileSync(file, 'latin1'))
  const lines = [first, second, own].map(({ key }) => key.split('\n')[1] ?? key)
  for (const secret of [...lines, 'the-token-of-the-vault']) {
    expect(rests.some((text) => text.includes(secret))).toBe(false)
    expect(weir.output()).not.toContain(secret)
  }
}, 180_000)

test('serves a certificate whose key is in a file, and shows the key to nobody', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'weir-vault-files-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const authority = await makeAuthority('test')
  const { cert, key } = await authority.issue({ names: ['shop.example'] })
  writeFileSync(join(folder, 'shop.crt'), cert)
  writeFileSync(join(folder, 'shop.key'), key)
  const weir = await startWeir({ env: { WEIR_WORKERS: '1', WEIR_VAULT_FILES: folder } })
  const put = async (path: string, body: unknown) => (await weir.admin('PUT', path, body)).status
  expect(await put('/vaults/files', { name: 'file', config: { prefix: folder } })).toBe(200)
  const id = '5b5ff1b7-19bb-4b3c-8f4e-31e3f8a0e9d1'
  const pair = { cert: '{vault://files/shop.crt}', key: '{vault://files/shop.key}' }
  expect(await put(`/certificates/${id}`, pair)).toBe(200)
  expect(await put('/snis/shop.example', { certificate: { id } })).toBe(200)
  const shown = await until('the certificate', async () => {
    const subject = await subjectShown(weir.secureUrl, 'shop.example')
    return subject?.CN === 'shop.example' ? subject : undefined
  })
  expect(shown.CN).toBe('shop.example')
  const answer = await (await weir.admin('GET', `/certificates/${id}`)).text()
  expect(answer).toContain('{vault://files/shop.key}')
  expect(answer).not.toContain('PRIVATE KEY')
}, 180_000)

function subjectShown(url: string, servername: string): Promise<PeerCertificate['subject']> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const options = { host: hostname, port: Number(port), servername, rejectUnauthorized: false }
    const socket = connect(options, () => {
      resolve(socket.getPeerCertificate().subject)
      socket.destroy()
    })
    socket.once('error', reject)
  })
}

const at = (port: number) => ({ host: '127.0.0.1', port })

const revisionIn = (text: string): unknown =>
  (JSON.parse(text) as { weir: { revision: number } }).weir.revision

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true })
    .map((name) => join(folder, String(name)))
    .filter((file) => statSync(file).isFile())
