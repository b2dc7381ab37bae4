import { z } from 'zod'
import { defineEntity, type Stored } from './entity.ts'
import { between, entityName, host, optional, tags, timeout } from './fields.ts'

/** An application behind the gateway. */
export const service = defineEntity({
  name: 'service',
  plural: 'services',
  about: 'An application behind the gateway: where its requests go, and how patiently.',
  key: 'name',
  unique: ['name'],
  fields: z.strictObject({
    name: optional(entityName()).describe(
      'Unique in the workspace; paths may use it instead of the id.',
    ),
    protocol: z
      .enum(['http', 'https', 'ws', 'wss'])
      .default('http')
      .describe('How to speak to the service.'),
    host: host().describe('Host name or address of the service, or the name of an upstream.'),
    port: between(0, 65_535)
      .default(80)
      .describe('Port of the service; ignored when host names an upstream.'),
    path: optional(z.string().refine(isServicePath, { error: 'should start with: /' })).describe(
      'Put before the path of every forwarded request.',
    ),
    retries: between(0, 32_767)
      .default(5)
      .describe('How many more times to try after a failure to connect or to answer.'),
    connect_timeout: timeout().describe('Milliseconds to establish a connection.'),
    write_timeout: timeout().describe('Milliseconds between two writes to the service.'),
    read_timeout: timeout().describe('Milliseconds between two reads from the service.'),
    enabled: z
      .boolean()
      .default(true)
      .describe('A disabled service takes its routes out of the router.'),
    tags: tags(),
  }),
})

/** A stored service. */
export type Service = Stored<z.output<typeof service.fields>>

function isServicePath(path: string): boolean {
  return path.startsWith('/') && !path.includes('//')
}
