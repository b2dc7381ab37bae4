import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type PeerCertificate } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { makeAuthority } from '../harness/make-certificate.ts'
import { startVault } from '../harness/start-vault.ts'
import { startWeir } from '../harness/start-weir.ts'
import { until } from '../harness/until.ts'

test('vault secrets reach requests, but no response, file, log or revision of Weir', async () => {
  const vault = await startVault('the-token-of-the-vault')
  vault.secrets.set('secret/data/greeting', { text: 'hello-from-the-vault' })
  const weir = await startWeir({
    env: { WEIR_WORKERS: '1', GREETING: 'hello-from-the-environment' },
  })
  const ask = async (method: string, path: string, body?: unknown) => {
    const response = await weir.admin(method, path, body)
    return { status: response.status, text: await response.text() }
  }
  const proxied = async (path: string) => {
    const response = await fetch(weir.proxyUrl + path)
    return `${response.status} ${await response.text()}`
  }
  const greet = async (name: string, message: string) => {
    await ask('PUT', `/routes/${name}`, { paths: [`/${name}`] })
    const config = { status_code: 200, message }
    return ask('POST', `/routes/${name}/plugins`, { name: 'request-termination', config })
  }
  const settings = { ...at(vault.port), kv: 'v2', token: 'the-token-of-the-vault', ttl: 1 }
  expect((await ask('PUT', '/vaults/store', { name: 'hcv', config: settings })).status).toBe(200)

  await greet('env', '{vault://env/greeting}')
  await until('the variable', async () => (await proxied('/env')).includes('from-the-environment'))
  await greet('hcv', '{vault://store/greeting/text}')
  await until('the secret', async () => (await proxied('/hcv')).includes('from-the-vault'))
  const shown = await ask('GET', '/routes/hcv/plugins')
  expect(shown.text).toContain('{vault://store/greeting/text}')

  const { text: before } = await ask('GET', '/')
  vault.secrets.set('secret/data/greeting', { text: 'another-secret' })
  await until('the new secret', async () => (await proxied('/hcv')).includes('another-secret'))
  expect(revisionIn((await ask('GET', '/')).text)).toBe(revisionIn(before))

  await greet('absent', '{vault://store/nothing/text}')
  await until('a refusal', async () => (await proxied('/absent')).startsWith('503'))
  expect(await proxied('/hcv')).toContain('another-secret')
  await greet('own', '{vault://env/weir-admin-token}')
  await until('a refusal', async () => (await proxied('/own')).startsWith('503'))

  expect(await greet('nowhere', '{vault://other/greeting}')).toMatchObject({
    status: 400,
    text: expect.stringContaining("there is no vault 'other'"),
  })
  await ask('POST', '/workspaces', { name: 'elsewhere' })
  const foreign = await ask('POST', '/elsewhere/plugins', {
    name: 'request-termination',
    config: { message: '{vault://store/greeting/text}' },
  })
  expect(foreign.status).toBe(400)

  await weir.stop()
  const rests = filesBelow(weir.data).map((file) => readFileSync(file, 'latin1'))
  for (const secret of ['hello-from', 'another-secret', 'the-token-of-the-vault']) {
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
