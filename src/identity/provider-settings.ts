import type { ProviderPresetName } from './provider-presets.ts'

/** An OpenID Connect provider by which people sign in to Weir. */
export type ProviderSettings = {
  readonly issuer: string
  readonly clientId: string
  /** Without it the client is public. */
  readonly clientSecret: string | undefined
  readonly scopes: readonly string[]
  readonly preset: ProviderPresetName
  /** Paths of claims; those of the preset when empty. */
  readonly groupsClaims: readonly string[]
  readonly nameClaim: string | undefined
  /** Audience of access tokens for the Admin API. */
  readonly audience: string
  /** Name on the sign-in page. */
  readonly label: string
  /** Redirect URI of the provider's response. */
  readonly redirectUri: () => string
  /** Whether the first sign-in creates the principal. */
  readonly createsUsers: boolean
}
