import { Button } from '@mantine/core'
import { IconAlertTriangle, IconLock, IconMapOff, IconPlugConnectedX } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type ErrorComponentProps, useRouter } from '@tanstack/react-router'
import { metaQuery } from '../api/analytics.ts'
import { ApiError } from '../api/api-error.ts'
import { Notice } from './notice.tsx'

/** What a ErrorState explains. */
type ErrorStateProps = {
  readonly error: unknown
  /** What was being read, for example `consumers of ProductX`. */
  readonly what?: string
  readonly onRetry?: () => void
}

/** An error in the place of what could not be shown: the API's sentence, the rules that decided, and what to do. */
export function ErrorState({ error, what = 'this page', onRetry }: ErrorStateProps) {
  const { status, message, because } =
    error instanceof ApiError ? error : new ApiError(0, 'Something unexpected went wrong.')
  const retry = onRetry !== undefined && status !== 403 && status !== 404 && (
    <Button variant="default" onClick={onRetry}>
      Try again
    </Button>
  )
  return (
    <Notice icon={iconOf(status)} title={entityTitle(status, what)} action={retry || undefined}>
      <p>{message}</p>
      {because.map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
      {status === 403 && <p>Ask an administrator of the workspace for a role that may read it.</p>}
    </Notice>
  )
}

function entityTitle(status: number, what: string): string {
  if (status === 403) return `You may not read ${what}`
  if (status === 404) return `There is no such thing, or you may not know of it`
  return `Could not load ${what}`
}

function iconOf(status: number) {
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

/** The page in place of one that failed. */
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

/** In the place of what the viewer may read in no workspace: which rules say so, and whom to ask. */
export function NoAccess({ what }: { readonly what: string }) {
  const { data } = useQuery(metaQuery)
  return (
    <Notice icon={<IconLock size={28} stroke={1.5} />} title={`You may not read ${what}`}>
      <p>None of your roles lets you read {what} in any workspace.</p>
      {data?.visibility.because.map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
      <p>Ask an administrator of the workspace for a role that may read them.</p>
    </Notice>
  )
}
