import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, stopProcess } from '../../bench/processes.ts'
import { until } from '../../test/harness/until.ts'
import { runProgram } from './run-suite.ts'

export const keycloakVersion = '26.4.7'
const admin = { username: 'admin', password: 'the-password-of-admin' }

/** Downloads Keycloak to a folder outside of the repository, and returns where it is. */
export async function unpackKeycloak(maven: string): Promise<string> {
  const folder = join(tmpdir(), 'weir-keycloak')
  const home = join(folder, `keycloak-${keycloakVersion}`)
  if (existsSync(join(home, 'bin/kc.sh'))) return home
  mkdirSync(folder, { recursive: true })
  const { status, output } = await runProgram(
    maven,
    [
      '-q',
      '-B',
      'org.apache.maven.plugins:maven-dependency-plugin:3.6.1:unpack',
      `-Dartifact=org.keycloak:keycloak-quarkus-dist:${keycloakVersion}:zip`,
      `-DoutputDirectory=${folder}`,
    ],
    600_000,
    folder,
  )
  if (status !== 0) throw new Error(`Keycloak was not downloaded: ${output.slice(-500)}`)
  return home
}

export type Keycloak = {
  readonly url: string
  start(): Promise<void>
  /** Sends a signal to its process. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void
  stop(): Promise<void>
  /** Calls the admin API; throws for status 400 or above. */
  admin(this: void, method: string, path: string, body?: object): Promise<Response>
}

/** Starts it with an empty database. */
export async function startKeycloak(home: string): Promise<Keycloak> {
  rmSync(join(home, 'data/h2'), { recursive: true, force: true })
  const port = await freePort()
  const management = await freePort()
  const url = `http://127.0.0.1:${port}`
  let child: ChildProcess | undefined
  const start = async (): Promise<void> => {
    child = spawn(
      'sh',
      [
        join(home, 'bin/kc.sh'),
        'start-dev',
        '--http-host=127.0.0.1',
        `--http-port=${port}`,
        `--http-management-port=${management}`,
      ],
      {
        // The shell would keep its child alive after a signal.
        detached: true,
        stdio: 'ignore',
        env: {
          ...process.env,
          KC_BOOTSTRAP_ADMIN_USERNAME: admin.username,
          KC_BOOTSTRAP_ADMIN_PASSWORD: admin.password,
          JAVA_OPTS_APPEND: '-Xmx768m',
        },
      },
    )
    await until('Keycloak to start', async () => (await fetch(`${url}/realms/master`)).ok, 240_000)
  }
  const signal = (name: NodeJS.Signals): void => {
    if (child?.pid !== undefined) process.kill(-child.pid, name)
  }
  await start()
  return {
    url,
    start,
    signal,
    async stop() {
      if (child === undefined) return
      // Its database loses what it did not write yet when it is killed.
      signal('SIGTERM')
      await stopProcess(child)
    },
    async admin(method, path, body) {
      const form = new URLSearchParams({ grant_type: 'password', client_id: 'admin-cli', ...admin })
      const granted = await fetch(`${url}/realms/master/protocol/openid-connect/token`, {
        method: 'POST',
        body: form,
      })
      const { access_token: token } = (await granted.json()) as { access_token: string }
      const response = await fetch(`${url}/admin${path}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: body === undefined ? null : JSON.stringify(body),
      })
      if (response.status >= 400)
        throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
      return response
    },
  }
}
