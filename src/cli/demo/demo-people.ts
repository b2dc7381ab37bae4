/** People whom the identity provider of the demo knows. `staff` is a group of ProductX; the third has none. */
export const demoPeople = [
  { name: 'anna', password: 'demo-anna-password', groups: ['staff'] },
  { name: 'ben', password: 'demo-ben-password', groups: ['staff', 'night-shift'] },
  { name: 'carla', password: 'demo-carla-password', groups: [] },
] as const

/** The audience of the provider's access tokens. */
export const demoAudience = 'https://api.productx.demo'

/** A client of the provider. */
export type DemoClient = {
  readonly client_id: string
  readonly client_secret: string
  readonly redirect_uris: readonly string[]
  readonly post_logout_redirect_uris: readonly string[]
  readonly backchannel_logout_uri?: string
}

const managerClient = { client_id: 'weir', client_secret: 'demo-secret-of-weir' } as const
const gatewayClient = { client_id: 'gateway', client_secret: 'demo-secret-of-the-gateway' } as const

/** Settings with which Weir uses the provider. */
export const demoProviderSettings = (issuer: string): Readonly<Record<string, string>> => ({
  WEIR_OIDC_ISSUER: issuer,
  WEIR_OIDC_CLIENT_ID: managerClient.client_id,
  WEIR_OIDC_CLIENT_SECRET: managerClient.client_secret,
  WEIR_OIDC_AUDIENCE: demoAudience,
  WEIR_OIDC_LABEL: 'the demo provider',
})

/** The Manager and the demo route as clients of the provider. */
export function demoClients({
  manager,
  proxy,
}: {
  readonly manager: string
  readonly proxy: string
}): readonly DemoClient[] {
  const anyName = (url: string): string[] => [url, url.replace('//127.0.0.1', '//localhost')]
  return [
    {
      ...managerClient,
      redirect_uris: [`${manager}/sign-in/callback`],
      post_logout_redirect_uris: [`${manager}/sign-in`],
      backchannel_logout_uri: `${manager}/api/session/provider/logout`,
    },
    {
      ...gatewayClient,
      redirect_uris: anyName(`${proxy}/profile`),
      post_logout_redirect_uris: [`${proxy}/profile`],
    },
  ]
}
