import { settings, type Settings } from './settings.ts'

export const acceptedSettings = settings.superRefine((given, context) => {
  for (const [field, message] of violations(given))
    context.addIssue({ code: 'custom', path: [field], message })
})

type Checked = Pick<
  Settings,
  | 'upstream_headers_names'
  | 'upstream_headers_claims'
  | 'downstream_headers_names'
  | 'downstream_headers_claims'
  | 'enable_hs_signatures'
  | 'client_id'
  | 'client_secret'
  | 'session_secret'
  | 'session_storage'
  | 'token_exchange'
  | 'proof_of_possession_dpop'
  | 'proof_of_possession_mtls'
  | 'proof_of_possession_auth_methods_validation'
  | 'redis'
> & { readonly auth_methods: readonly string[] }

type Violation = readonly [field: string, message: string]

/** Methods with a proof of possession, and sessions, whose tokens stay in the gateway. */
const boundMethods = new Set(['bearer', 'introspection', 'session', 'authorization_code'])

/** The rules that span several fields. */
function* violations(given: Checked): Generator<Violation> {
  for (const stream of ['upstream', 'downstream'] as const) {
    const [names, claims] = [`${stream}_headers_names`, `${stream}_headers_claims`] as const
    if ((given[names] ?? []).length !== (given[claims] ?? []).length)
      yield [names, `must have as many entries as ${claims}`]
  }
  yield* ofPossession(given)
  yield* ofBrowsers(given)
  const clients = given.client_id?.length ?? 0
  if (clients > 1 && given.client_secret !== null && given.client_secret.length !== clients)
    yield ['client_secret', 'must have as many entries as client_id']
  if (given.enable_hs_signatures && given.client_secret === null)
    yield ['client_secret', 'is required by enable_hs_signatures']
}

function* ofPossession(given: Checked): Generator<Violation> {
  const isBound =
    given.proof_of_possession_dpop !== 'off' || given.proof_of_possession_mtls !== 'off'
  const unbound = given.auth_methods.filter((method) => !boundMethods.has(method))
  // The exchanged token says nothing about the key of the one that was presented.
  if (isBound && given.token_exchange !== null && given.token_exchange !== undefined)
    yield ['token_exchange', 'is not supported with proof_of_possession settings']
  if (isBound && given.proof_of_possession_auth_methods_validation && unbound.length > 0)
    yield ['auth_methods', `have no proof of possession: ${unbound.join(', ')}`]
}

function* ofBrowsers(given: Checked): Generator<Violation> {
  const isForBrowsers = ['session', 'authorization_code'].some((method) =>
    given.auth_methods.includes(method),
  )
  if (isForBrowsers && given.session_secret === null)
    yield ['session_secret', 'is required by session and authorization_code']
  if (given.session_storage === 'redis' && given.redis === null)
    yield ['redis', 'is required by session_storage redis']
}
