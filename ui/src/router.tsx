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

const callback = createRoute({
  getParentRoute: () => root,
  path: '/sign-in/callback',
  component: lazyRouteComponent(() => import('./sign-in/callback-page.tsx'), 'CallbackPage'),
})

const setUp = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  component: lazyRouteComponent(() => import('./sign-in/set-up-page.tsx'), 'SetUpPage'),
})

const signedIn = createRoute({
  getParentRoute: () => root,
  id: 'signedIn',
  component: Shell,
  async beforeLoad({ context, location }) {
    const session = await context.queryClient.ensureQueryData(sessionQuery)
    if (session !== null) return
    const next = location.pathname + location.searchStr
    // oxlint-disable-next-line typescript/only-throw-error -- redirects are thrown in TanStack Router
    throw redirect({ to: '/sign-in', search: next === '/' ? {} : { next } })
  },
})

const overview = createRoute({
  getParentRoute: () => signedIn,
  path: '/',
  component: lazyRouteComponent(() => import('./overview/overview-page.tsx'), 'OverviewPage'),
})

const reference = createRoute({
  getParentRoute: () => signedIn,
  path: '/reference',
  component: lazyRouteComponent(() => import('./reference/reference-page.tsx'), 'ReferencePage'),
})

const referenceGroup = createRoute({
  getParentRoute: () => signedIn,
  path: '/reference/$group',
  component: lazyRouteComponent(() => import('./reference/reference-page.tsx'), 'ReferencePage'),
})

const access = createRoute({
  getParentRoute: () => signedIn,
  path: '/access',
  component: lazyRouteComponent(() => import('./access/access-page.tsx'), 'AccessPage'),
})

const account = createRoute({
  getParentRoute: () => signedIn,
  path: '/account',
  component: lazyRouteComponent(() => import('./account/account-page.tsx'), 'AccountPage'),
})

const audit = createRoute({
  getParentRoute: () => signedIn,
  path: '/audit',
  component: lazyRouteComponent(() => import('./audit/audit-page.tsx'), 'AuditPage'),
})

const changes = createRoute({
  getParentRoute: () => signedIn,
  path: '/changes',
  component: lazyRouteComponent(() => import('./changes/changes-page.tsx'), 'ChangesPage'),
})

const entityList = createRoute({
  getParentRoute: () => signedIn,
  path: '/$plural',
  component: lazyRouteComponent(() => import('./entities/entity-list-page.tsx'), 'EntityListPage'),
})

const entity = createRoute({
  getParentRoute: () => signedIn,
  path: '/$plural/$workspace/$key',
  component: lazyRouteComponent(() => import('./entities/entity-page.tsx'), 'EntityPage'),
})

const routeTree = root.addChildren([
  signIn,
  callback,
  setUp,
  signedIn.addChildren([
    overview,
    account,
    access,
    audit,
    changes,
    reference,
    referenceGroup,
    entityList,
    entity,
  ]),
])

/** Creates the router with every page. */
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
