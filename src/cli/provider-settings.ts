import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { z } from 'zod'
import { providerPresets, type ProviderPresetName } from '../identity/provider-presets.ts'
import type { PlaneSettings } from '../planes/plane-settings.ts'
import { onOrOff } from './listen-settings.ts'
import { SettingsError } from './settings-error.ts'

const presets = Object.keys(providerPresets) as [ProviderPresetName, ...ProviderPresetName[]]

const url = z.url({ protocol: /^https?$/, error: 'expected http(s)://host' })

/** Words separated by commas or spaces. */
const words = (fallback: string) =>
  z
    .string()
    .default(fallback)
    .transform((text) => text.split(/[\s,]+/).filter((word) => word !== ''))

/** The identity provider by which people sign in to Weir. */
export const providerVariables = {
  WEIR_OIDC_ISSUER: url.optional(),
  WEIR_OIDC_CLIENT_ID: z.string().optional(),
  WEIR_OIDC_CLIENT_SECRET: z.string().optional(),
  WEIR_OIDC_CLIENT_SECRET_FILE: z.string().optional(),
  WEIR_OIDC_PRESET: z
    .enum(presets, { error: `expected one of: ${presets.join(', ')}` })
    .default('generic'),
  WEIR_OIDC_SCOPES: words('openid profile email').refine((scopes) => scopes.includes('openid'), {
    error: 'expected openid among the scopes',
  }),
  WEIR_OIDC_GROUPS_CLAIMS: words(''),
  WEIR_OIDC_NAME_CLAIM: z.string().optional(),
  WEIR_OIDC_AUDIENCE: z.string().optional(),
  WEIR_OIDC_CREATE_USERS: onOrOff('on'),
  WEIR_OIDC_LABEL: z.string().max(60, { error: 'expected at most 60 characters' }).optional(),
  WEIR_OIDC_REDIRECT_URI: url.optional(),
}

type Variables = z.output<z.ZodObject<typeof providerVariables>>

/** The provider of the settings; undefined without an issuer. */
export function readProvider(variables: Variables): Pick<PlaneSettings, 'provider'> {
  const { WEIR_OIDC_ISSUER: issuer, WEIR_OIDC_CLIENT_ID: clientId } = variables
  if (issuer === undefined) return {}
  if (clientId === undefined)
    throw new SettingsError('WEIR_OIDC_CLIENT_ID: required by WEIR_OIDC_ISSUER')
  return {
    provider: {
      issuer,
      clientId,
      clientSecret: readSecret(variables),
      scopes: variables.WEIR_OIDC_SCOPES,
      preset: variables.WEIR_OIDC_PRESET,
      groupsClaims: variables.WEIR_OIDC_GROUPS_CLAIMS,
      nameClaim: variables.WEIR_OIDC_NAME_CLAIM,
      audience: variables.WEIR_OIDC_AUDIENCE ?? clientId,
      label: variables.WEIR_OIDC_LABEL ?? new URL(issuer).host,
      redirectUri: variables.WEIR_OIDC_REDIRECT_URI,
      createsUsers: variables.WEIR_OIDC_CREATE_USERS,
    },
  }
}

function readSecret({
  WEIR_OIDC_CLIENT_SECRET: secret,
  WEIR_OIDC_CLIENT_SECRET_FILE: file,
}: Variables): string | undefined {
  if (secret !== undefined || file === undefined) return secret
  try {
    return readFileSync(resolve(file), 'utf8').trim()
  } catch (error) {
    throw new SettingsError(`WEIR_OIDC_CLIENT_SECRET_FILE: ${(error as Error).message}`)
  }
}
