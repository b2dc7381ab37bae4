import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { sessionQuery } from './api/session.ts'
import { PageError } from './notices/error-state.tsx'
import { NotFound } from './notices/not-found.tsx'
import { PageSkeleton } from './notices/skeletons.tsx'
import { Shell } from './shell/shell.tsx'
import { formatSearch, parseSearch, type Search } from './view/search.ts'

type Context = { readonly queryClient: QueryClient }

const root = createRootRouteWithContext<Context>()({
  component: Outlet,
  validateSearch: (search): Search => search,
})

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  component: lazyRouteComponent(() => import('./sign-in/sign-in-page.tsx'), 'SignInPage'),
})

const setUp = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  component: lazyRouteComponent(() => import('./sign-in/set-up-page.tsx'), 'SetUpPage'),
})

const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  component: Shell,
  async beforeLoad({ context, location }) {
    const session = await context.queryClient.ensureQueryData(sessionQuery)
    if (session !== null) return
    const next = location.pathname + location.searchStr
    // oxlint-disable-next-line typescript/only-throw-error -- the router's way to redirect
    throw redirect({ to: '/sign-in', search: next === '/' ? {} : { next } })
  },
})

const overview = createRoute({
  getParentRoute: () => inside,
  path: '/',
  component: lazyRouteComponent(() => import('./overview/overview-page.tsx'), 'OverviewPage'),
})

const reference = createRoute({
  getParentRoute: () => inside,
  path: '/reference',
  component: lazyRouteComponent(() => import('./reference/reference-page.tsx'), 'ReferencePage'),
})

const referenceGroup = createRoute({
  getParentRoute: () => inside,
  path: '/reference/$group',
  component: lazyRouteComponent(() => import('./reference/reference-page.tsx'), 'ReferencePage'),
})

const access = createRoute({
  getParentRoute: () => inside,
  path: '/access',
  component: lazyRouteComponent(() => import('./access/access-page.tsx'), 'AccessPage'),
})

const audit = createRoute({
  getParentRoute: () => inside,
  path: '/audit',
  component: lazyRouteComponent(() => import('./audit/audit-page.tsx'), 'AuditPage'),
})

const changes = createRoute({
  getParentRoute: () => inside,
  path: '/changes',
  component: lazyRouteComponent(() => import('./changes/changes-page.tsx'), 'ChangesPage'),
})

const entityList = createRoute({
  getParentRoute: () => inside,
  path: '/$plural',
  component: lazyRouteComponent(() => import('./entities/entity-list-page.tsx'), 'EntityListPage'),
})

const entity = createRoute({
  getParentRoute: () => inside,
  path: '/$plural/$workspace/$key',
  component: lazyRouteComponent(() => import('./entities/entity-page.tsx'), 'EntityPage'),
})

const routeTree = root.addChildren([
  signIn,
  setUp,
  inside.addChildren([
    overview,
    access,
    audit,
    changes,
    reference,
    referenceGroup,
    entityList,
    entity,
  ]),
])

/** Opens the router: every page, and how addresses are read and written. */
export function createAppRouter(queryClient: QueryClient) {
  return createRouter({
    routeTree,
    context: { queryClient },
    parseSearch,
    stringifySearch: formatSearch,
    defaultPreload: 'intent',
    defaultPreloadStaleTime: 0,
    scrollRestoration: true,
    defaultPendingComponent: PageSkeleton,
    defaultErrorComponent: PageError,
    defaultNotFoundComponent: NotFound,
  })
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createAppRouter>
  }
}
