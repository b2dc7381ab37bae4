import { afterEach, expect, test, vi } from 'vitest'
import { readSettings } from './settings.ts'

afterEach(() => void vi.unstubAllEnvs())

test('a flag takes precedence over its environment variable, an absent flag does not', () => {
  vi.stubEnv('WEIR_DATA', '/from/environment')
  expect(readSettings({ WEIR_DATA: '/from/flag' }).data).toBe('/from/flag')
  expect(readSettings({ WEIR_DATA: undefined }).data).toBe('/from/environment')
  expect(readSettings().data).toBe('/from/environment')
})

test('runs both planes unless one is named, and only a gateway needs a control plane elsewhere', () => {
  vi.stubEnv('WEIR_CONTROL_URL', 'https://control.example:8005/')
  vi.stubEnv('WEIR_JOIN_TOKEN', 'token')
  const planeOf = (plane?: string) => {
    const settings = readSettings({ WEIR_PLANE: plane })
    return [settings.plane, settings.remoteControl]
  }
  expect(planeOf()).toEqual([undefined, undefined])
  expect(planeOf('control')).toEqual(['control', undefined])
  expect(planeOf('gateway')).toEqual([
    'gateway',
    { url: 'https://control.example:8005', joinToken: 'token' },
  ])
})
