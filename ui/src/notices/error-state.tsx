import { Button } from '@mantine/core'
import { IconAlertTriangle, IconLock, IconMapOff, IconPlugConnectedX } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ErrorComponentProps, useRouter } from '@tanstack/react-router'
import { metaQuery } from '../api/analytics.ts'
import { ApiError } from '../api/api-error.ts'
import { Notice } from './notice.tsx'

type ErrorStateProps = {
  readonly error: unknown
  /** The resource that failed to load, for example `consumers in ProductX`. */
  readonly what?: string
  readonly onRetry?: () => void
}

/** An error in place of content, with the API's message and the rules behind a denial. */
export function ErrorState({ error, what = 'this page', onRetry }: ErrorStateProps) {
  const { status, message, because } =
    error instanceof ApiError ? error : new ApiError(0, 'An unexpected error occurred.')
  const retry = onRetry !== undefined && status !== 403 && status !== 404 && (
    <Button variant="default" onClick={onRetry}>
      Retry
    </Button>
  )
  return (
    <Notice icon={errorIcon(status)} title={errorTitle(status, what)} action={retry || undefined}>
      <p>{message}</p>
      {because.map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
      {status === 403 && <p>Ask a workspace administrator for access.</p>}
    </Notice>
  )
}

function errorTitle(status: number, what: string): string {
  if (status === 403) return `You may not read ${what}`
  if (status === 404) return 'Not found, or you may not see it'
  return `Could not load ${what}`
}

function errorIcon(status: number) {
  const Icon =
    status === 403
      ? IconLock
      : status === 404
        ? IconMapOff
        : status === 0
          ? IconPlugConnectedX
          : IconAlertTriangle
  return <Icon size={28} stroke={1.5} />
}

/** Replaces a page that failed to render. */
export function PageError({ error, reset }: ErrorComponentProps) {
  const router = useRouter()
  return (
    <ErrorState
      error={error}
      onRetry={() => {
        reset()
        void router.invalidate()
      }}
    />
  )
}

/** Replaces content that the viewer may not read in any workspace, with the rules behind it. */
export function NoAccess({ what }: { readonly what: string }) {
  const { data } = useQuery(metaQuery)
  return (
    <Notice icon={<IconLock size={28} stroke={1.5} />} title={`You may not read ${what}`}>
      <p>None of your roles allows reading {what} in any workspace.</p>
      {data?.visibility.because.map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
      <p>Ask a workspace administrator for access.</p>
    </Notice>
  )
}
