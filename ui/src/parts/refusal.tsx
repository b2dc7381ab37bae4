import { Button } from '@mantine/core'
import { IconLock, IconMapOff, IconPlugConnectedX, IconAlertTriangle } from '@tabler/icons-react'
import { ApiError } from '../api/api-error.ts'
import { Notice } from './notice.tsx'

/** What a Refusal explains. */
type RefusalProps = {
  readonly error: unknown
  /** What was being read, for example `consumers of ProductX`. */
  readonly what?: string
  readonly onRetry?: () => void
}

/** An error in the place of what could not be shown: the API's sentence, the rules that decided, and what to do. */
export function Refusal({ error, what = 'this page', onRetry }: RefusalProps) {
  const { status, message, because } =
    error instanceof ApiError ? error : new ApiError(0, 'Something unexpected went wrong.')
  const retry = onRetry !== undefined && status !== 403 && status !== 404 && (
    <Button variant="default" onClick={onRetry}>
      Try again
    </Button>
  )
  return (
    <Notice icon={iconOf(status)} title={titleOf(status, what)} action={retry || undefined}>
      <p>{message}</p>
      {because.map((sentence) => (
        <p key={sentence}>{sentence}</p>
      ))}
      {status === 403 && <p>Ask an administrator of the workspace for a role that may read it.</p>}
    </Notice>
  )
}

function titleOf(status: number, what: string): string {
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
