import './styles/base.css'
import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { openQueryClient } from './api/open-query-client.ts'
import { openRouter } from './router.tsx'
import { cssVariables, theme } from './styles/theme.ts'

const queryClient = openQueryClient(() => {
  const { pathname, searchStr } = router.state.location
  if (pathname !== '/sign-in')
    void router.navigate({ to: '/sign-in', search: { next: pathname + searchStr } })
})
const router = openRouter(queryClient)

const root = document.getElementById('root')
if (root !== null)
  createRoot(root).render(
    <StrictMode>
      <MantineProvider theme={theme} cssVariablesResolver={cssVariables} defaultColorScheme="auto">
        <QueryClientProvider client={queryClient}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  )
