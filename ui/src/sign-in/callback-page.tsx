import { Alert, Button, Loader, Stack } from '@mantine/core'
import { useQueryClient } from '@tanstack/react-query'
import { useRouter } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { completeSignIn } from '../api/session.ts'
import { AuthLayout } from './auth-layout.tsx'

/** The query of the address at which this page was opened; the code in it can be sent only once. */
const query = window.location.search
let completing: Promise<string> | undefined

/** Redirect target of the identity provider. */
export function CallbackPage() {
  const [error, setError] = useState<Error>()
  const queryClient = useQueryClient()
  const router = useRouter()
  useEffect(() => {
    // React runs effects twice in development.
    completing ??= completeSignIn(query)
    completing.then(
      (next) => {
        queryClient.clear()
        router.history.replace(next)
      },
      (failure: Error) => setError(failure),
    )
  }, [queryClient, router])
  if (error === undefined)
    return (
      <AuthLayout title="Signing in" text="Your identity provider has sent you back to Weir.">
        <Loader size="sm" aria-label="Signing in" />
      </AuthLayout>
    )
  return (
    <AuthLayout title="You are not signed in" text="The sign-in could not be completed.">
      <Stack gap="sm">
        <Alert color="red" variant="light" role="alert">
          {error.message}
        </Alert>
        <Button component="a" href="/sign-in">
          Back to sign-in
        </Button>
      </Stack>
    </AuthLayout>
  )
}
