import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import tls from 'node:tls'
import { freePort, stopProcess } from '../../bench/processes.ts'
import { keycloak } from './keycloak.ts'
import { runProgram, type Suite } from './run-suite.ts'

/** HTTP/2 as RFC 7540 and RFC 7541 want it (https://github.com/summerwind/h2spec). */
const h2spec: Suite = {
  name: 'h2spec',
  programs: [{ variable: 'WEIR_H2SPEC', names: ['h2spec'] }],
  async run({ proxyPort, securePort }, [program = '']) {
    const lines: string[] = []
    for (const [kind, more] of [
      ['h2c', ['-p', String(proxyPort)]],
      ['h2 over TLS', ['-p', String(securePort), '-t', '-k']],
    ] as const) {
      const args = ['-h', '127.0.0.1', '-P', '/h2', '-o', '5', ...more]
      const { output } = await runProgram(program, args, 600_000)
      const counts = /^\d+ tests, .*$/m.exec(output)?.[0] ?? 'no result'
      const failed = output.split('\n').filter((line) => /^\s*×/.test(line))
      lines.push(`${kind}: ${counts}`, ...new Set(failed.map((line) => line.trim())))
    }
    return lines
  },
}

/** Cases of grpc-go's interop client that need no account of a cloud (https://github.com/grpc/grpc-go/tree/master/interop). */
const grpcCases = [
  'empty_unary',
  'large_unary',
  'client_streaming',
  'server_streaming',
  'ping_pong',
  'empty_stream',
  'timeout_on_sleeping_server',
  'cancel_after_begin',
  'cancel_after_first_response',
  'status_code_and_message',
  'special_status_message',
  'custom_metadata',
  'unimplemented_method',
  'unimplemented_service',
]

const grpc: Suite = {
  name: 'grpc-go interop',
  programs: [
    { variable: 'WEIR_GRPC_INTEROP_CLIENT', names: ['grpc-interop-client'] },
    { variable: 'WEIR_GRPC_INTEROP_SERVER', names: ['grpc-interop-server'] },
  ],
  async run({ proxyPort, securePort, configure }, [client = '', server = '']) {
    const folder = mkdtempSync(join(tmpdir(), 'weir-grpc-'))
    const port = await freePort()
    const service = spawn(server, ['--port', String(port)], { stdio: 'ignore' })
    try {
      await configure('PUT', '/services/grpc', { host: '127.0.0.1', port, protocol: 'grpc' })
      await configure('PUT', '/routes/grpc', {
        paths: ['/grpc.testing.'],
        protocols: ['grpc', 'grpcs'],
        strip_path: false,
        service: { name: 'grpc' },
      })
      const failed: string[] = []
      const authority = join(folder, 'certificate.pem')
      writeFileSync(authority, await certificateOf(securePort))
      const tlsFlags = ['--use_tls', '--use_test_ca', `--ca_file=${authority}`]
      const fronts = [
        ['h2c', [`--server_port=${proxyPort}`]],
        ['TLS', [`--server_port=${securePort}`, ...tlsFlags, '--server_host_override=localhost']],
      ] as const
      for (const [kind, flags] of fronts) {
        for (const name of grpcCases) {
          const args = ['--server_host=127.0.0.1', ...flags, `--test_case=${name}`]
          const { status, output } = await runProgram(client, args, 60_000)
          if (status !== 0) failed.push(`${kind} ${name}: ${output.trim().split('\n').at(-1)}`)
        }
      }
      const total = fronts.length * grpcCases.length
      return [`${total} cases, ${total - failed.length} passed, ${failed.length} failed`, ...failed]
    } finally {
      await stopProcess(service)
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

/** The certificate that a TLS listener shows, PEM. */
async function certificateOf(port: number): Promise<string> {
  const socket = tls.connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const pem = socket.getPeerX509Certificate()?.toString() ?? ''
  socket.destroy()
  return pem
}

type Finding = { readonly id: string; readonly severity: string; readonly finding: string }

/** TLS (https://github.com/testssl/testssl.sh). */
const testssl: Suite = {
  name: 'testssl.sh',
  programs: [{ variable: 'WEIR_TESTSSL', names: ['testssl.sh', 'testssl'] }],
  async run({ securePort }, [program = '']) {
    const folder = mkdtempSync(join(tmpdir(), 'weir-testssl-'))
    const file = join(folder, 'result.json')
    const skipped = ['--quiet', '--color', '0', '--warnings', 'batch', '--ip', '127.0.0.1']
    const kinds = ['-p', '-s', '-f', '-U', '-E']
    const args = [...skipped, ...kinds, '--jsonfile', file, `https://localhost:${securePort}`]
    const { output } = await runProgram(program, args, 900_000)
    try {
      const findings = JSON.parse(readFileSync(file, 'utf8')) as Finding[]
      const levels = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'WARN', 'OK', 'INFO'].map((level) => {
        const count = findings.filter(({ severity }) => severity === level).length
        return `${count} ${level}`
      })
      const bad = findings.filter(({ severity }) => /CRITICAL|HIGH|MEDIUM|LOW|WARN/.test(severity))
      const lines = bad.map(({ id, severity, finding }) => `${severity} ${id}: ${finding}`)
      return [levels.join(', '), ...lines]
    } catch (error) {
      return [`no result: ${String(error)}`, ...output.trim().split('\n').slice(-3)]
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  },
}

/** Milliseconds that one phase of a suite may take. */
const phaseLimit = 1_800_000

/** The Admin API against its own OpenAPI document (https://schemathesis.io). */
const schemathesis: Suite = {
  name: 'schemathesis',
  programs: [{ variable: 'WEIR_SCHEMATHESIS', names: ['schemathesis', 'st'] }],
  async run({ adminUrl, token }, [program = '']) {
    const args = ['run', `${adminUrl}/openapi.json`, '-H', `Kong-Admin-Token: ${token}`]
    const bounds = ['--max-examples', '3', '--checks', 'not_a_server_error', '--no-color']
    // It leaves a cache where it runs.
    const folder = mkdtempSync(join(tmpdir(), 'weir-schemathesis-'))
    const states: string[] = []
    for (const phase of ['coverage', 'fuzzing', 'stateful']) {
      const all = [...args, '--url', adminUrl, ...bounds, '--phases', phase]
      const { status, output } = await runProgram(program, all, phaseLimit, folder)
      const lines = output.trim().split('\n')
      const from = lines.findIndex((line) => /^=+ SUMMARY =+$/.test(line))
      const summary = from < 0 ? lines.slice(-12) : lines.slice(from + 1)
      const ended = status === null ? 'stopped after 30 minutes' : `exit status ${status}`
      states.push(`${phase}: ${ended}`, ...summary.map((line) => line.trim()).filter(Boolean))
    }
    rmSync(folder, { recursive: true, force: true })
    return states
  },
}

export const suites: readonly Suite[] = [h2spec, grpc, testssl, schemathesis, keycloak]
