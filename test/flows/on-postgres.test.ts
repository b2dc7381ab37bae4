import { rerunOnPostgres } from '../harness/store-engines.ts'

await rerunOnPostgres([
  () => import('../../src/control/change-configuration.test.ts'),
  () => import('./admin-config.test.ts'),
  () => import('./admin-entities.test.ts'),
  () => import('./admin-kong.test.ts'),
  () => import('./admin-malformed.test.ts'),
  () => import('./admin-nouns.test.ts'),
  () => import('./admin-pages.test.ts'),
  () => import('./admin-permissions.test.ts'),
  () => import('./admin-references.test.ts'),
  () => import('./admin-session.test.ts'),
  () => import('./admin-upstreams.test.ts'),
  () => import('./rbac.test.ts'),
  () => import('./team-member.test.ts'),
])
