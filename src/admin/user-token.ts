import type { Configuration } from '../control/configuration.ts'
import type { Operation } from '../control/operation.ts'

const tokenName = 'user_token'

/** Kong's users carry their token in their own body; here it is an entity of its own, changed together with the user. */
export function withUserToken(configuration: Configuration, operation: Operation): Operation[] {
  const { user_token: token, ...body } = operation.body ?? {}
  if (operation.entity !== 'principal' || token === undefined || token === null) return [operation]
  const name = body['name'] ?? nameAt(configuration, operation.at ?? '')
  const known = tokenAt(configuration, operation.at ?? '')
  return [
    { ...operation, body },
    {
      kind: 'replace',
      entity: 'token',
      workspace: null,
      ...(known === undefined ? {} : { at: known }),
      body: { principal: { name }, name: tokenName, token },
    },
  ]
}

const userAt = (configuration: Configuration, at: string) =>
  configuration.find({ entity: 'principal', workspace: null, at })

const nameAt = (configuration: Configuration, at: string): unknown =>
  userAt(configuration, at)?.fields['name'] ?? at

function tokenAt(configuration: Configuration, at: string): string | undefined {
  const user = userAt(configuration, at)
  if (user === undefined) return undefined
  const within = { field: 'principal', id: user.id }
  return configuration
    .list({ entity: 'token', workspace: null, within })
    .find(({ fields }) => fields['name'] === tokenName)?.id
}
