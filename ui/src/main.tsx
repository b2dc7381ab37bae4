import './styles/base.css'
import { MantineProvider } from '@mantine/core'
import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { createQueryClient } from './api/create-query-client.ts'
import { createAppRouter } from './router.tsx'
import { cssVariables, theme } from './styles/theme.ts'

const queryClient = createQueryClient(() => {
  const { pathname, searchStr } = router.state.location
  if (pathname !== '/sign-in')
    void router.navigate({ to: '/sign-in', search: { next: pathname + searchStr } })
})
const router = createAppRouter(queryClient)

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
