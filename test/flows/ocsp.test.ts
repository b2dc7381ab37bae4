import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { expect, onTestFinished, test, type TestContext } from 'vitest'
import { openGateway } from '../harness/open-gateway.ts'
import { requireProgram } from '../harness/require-program.ts'
import { until } from '../harness/until.ts'

/** An authority of OpenSSL with a responder that counts its requests. */
async function openAuthority(context: Pick<TestContext, 'skip'>) {
  const program = requireProgram(context, 'openssl')
  const folder = mkdtempSync(join(tmpdir(), 'weir-ocsp-'))
  const run = (...args: string[]): string =>
    execFileSync(program, args, { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] }).toString()
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
  run(
    'req',
    '-x509',
    ...key,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-subj',
    '/CN=ca',
    '-days',
    '2',
  )
  writeFileSync(join(folder, 'index'), '')
  let requests = 0
  const signer = ['-index', 'index', '-CA', 'ca.pem', '-rsigner', 'ca.pem', '-rkey', 'ca.key']
  const server = http.createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      requests += 1
      writeFileSync(join(folder, 'request'), Buffer.concat(parts))
      run('ocsp', '-reqin', 'request', '-respout', 'response', ...signer, '-ndays', '1')
      response.end(readFileSync(join(folder, 'response')))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const responder = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  const issue = (serial: string, state: 'V' | 'R', names = true) => {
    const extensions = names ? `authorityInfoAccess=OCSP;URI:${responder}\n` : ''
    writeFileSync(join(folder, 'extensions'), `subjectAltName=DNS:${serial}.example\n${extensions}`)
    run('req', '-new', ...key, '-keyout', 'leaf.key', '-out', 'leaf.csr', '-subj', '/CN=leaf')
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-set_serial', `0x${serial}`, '-days', '2']
    run('x509', '-req', '-in', 'leaf.csr', ...by, '-extfile', 'extensions', '-out', `${serial}.pem`)
    const revoked = state === 'R' ? '200101000000Z' : ''
    const line = `${state}\t400101000000Z\t${revoked}\t${serial}\tunknown\t/CN=${serial}\n`
    writeFileSync(join(folder, 'index'), line, { flag: 'a' })
    const read = (name: string): string => readFileSync(join(folder, name), 'utf8')
    return { cert: read(`${serial}.pem`) + read('ca.pem'), key: read('leaf.key') }
  }
  const verdict = (response: Buffer, serial: string): string => {
    writeFileSync(join(folder, 'stapled'), response)
    const about = ['-issuer', 'ca.pem', '-cert', `${serial}.pem`, '-CAfile', 'ca.pem']
    return run('ocsp', '-respin', 'stapled', ...about)
  }
  return { issue, verdict, requests: () => requests }
}

async function staple(port: number, servername: string): Promise<Buffer | undefined> {
  const socket = tls.connect({
    port,
    host: '127.0.0.1',
    servername,
    requestOCSP: true,
    rejectUnauthorized: false,
  })
  onTestFinished(() => void socket.destroy())
  const [response] = (await once(socket, 'OCSPResponse')) as [Buffer | null]
  socket.destroy()
  return response ?? undefined
}

test('staples the OCSP response of a certificate that names a responder, fetched once beside handshakes', async (context) => {
  const authority = await openAuthority(context)
  const certificates = {
    'good.example': authority.issue('1001', 'V'),
    'revoked.example': authority.issue('1002', 'R'),
    'silent.example': authority.issue('1003', 'V', false),
  }
  const gateway = await openGateway({ certificates })
  const ask = (name: string) => staple(gateway.securePort, name)
  expect(await ask('good.example'), 'the first handshake does not wait').toBeUndefined()
  const response = await until('a response is stapled', () => ask('good.example'))
  expect(authority.verdict(response, '1001')).toContain('1001.pem: good')
  expect(authority.requests(), 'it is cached').toBe(1)
  expect(await ask('revoked.example')).toBeUndefined()
  await until('its responder was asked', () => authority.requests() === 2)
  expect(await ask('revoked.example'), 'only good ones are stapled').toBeUndefined()
  expect(await ask('silent.example')).toBeUndefined()
  expect(await ask('silent.example')).toBeUndefined()
  expect(authority.requests(), 'without a responder none is asked').toBe(2)
})

test('contacts no responder that the egress rules deny', async (context) => {
  const authority = await openAuthority(context)
  const gateway = await openGateway(
    { certificates: { 'good.example': authority.issue('1001', 'V') } },
    { egress: { refusalOf: () => 'denied' } },
  )
  for (let asked = 0; asked < 3; asked += 1)
    expect(await staple(gateway.securePort, 'good.example')).toBeUndefined()
  expect(authority.requests()).toBe(0)
})
