import { Skeleton } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useSession } from '../api/session.ts'
import { Page, PageHeader } from '../layout/page.tsx'
import { ErrorState } from '../notices/error-state.tsx'
import { accountQuery } from './account-queries.ts'
import { SecondFactor } from './second-factor.tsx'
import { SessionList } from './session-list.tsx'

/** The viewer's own sign-in. */
export function AccountPage() {
  const { principal } = useSession()
  const { data, error, refetch } = useQuery(accountQuery)
  return (
    <Page narrow>
      <PageHeader
        title="Your account"
        about={`${principal.name} · Sessions and authenticator app.`}
      />
      {error !== null ? (
        <ErrorState error={error} what="your account" onRetry={() => void refetch()} />
      ) : data === undefined ? (
        <Skeleton height={220} />
      ) : (
        <>
          <SessionList sessions={data.sessions} />
          {data.has_password && <SecondFactor enabled={data.second_factor} />}
        </>
      )}
    </Page>
  )
}
