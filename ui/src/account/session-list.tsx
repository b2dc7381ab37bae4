import { Alert, Button } from '@mantine/core'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import type { ListedSession } from '../../../src/schema/session.ts'
import { formatAge } from '../format/format.ts'
import { Panel } from '../layout/panel.tsx'
import { useNow } from '../view/use-now.ts'
import classes from './account.module.css'
import { accountQuery, endSession } from './account-queries.ts'

/** The sessions of the viewer, with a control to end each. */
export function SessionList({ sessions }: { readonly sessions: readonly ListedSession[] }) {
  const now = useNow(60_000)
  const client = useQueryClient()
  const end = useMutation({
    mutationFn: endSession,
    onSettled: () => client.invalidateQueries({ queryKey: accountQuery.queryKey }),
  })
  return (
    <Panel title="Sessions" hint={`${sessions.length}`}>
      {end.isError && (
        <Alert color="red" variant="light" role="alert" mb="sm">
          {end.error.message}
        </Alert>
      )}
      <ul className={classes.list}>
        {sessions.map((session) => (
          <li key={session.id}>
            <div className={classes.text}>
              <b>{describeBrowser(session.user_agent)}</b>
              <small>
                {session.address}
                {session.created_at !== null &&
                  ` · since ${formatAge(session.created_at * 1000, now)}`}
                {session.by === 'identity-provider' && ' · by the identity provider'}
              </small>
            </div>
            {session.current ? (
              <span className={classes.current}>This session</span>
            ) : (
              <Button
                size="compact-xs"
                variant="default"
                aria-label={`End the session of ${session.address}`}
                loading={end.isPending && end.variables === session.id}
                onClick={() => end.mutate(session.id)}
              >
                End
              </Button>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  )
}

/** `Firefox on Linux`; other texts as they are. */
function describeBrowser(agent: string): string {
  const browser = /(Edg|OPR|Firefox|Chrome|Safari)\//.exec(agent)?.[1]
  const system = /(Windows|Android|iPhone|iPad|Mac OS X|Linux)/.exec(agent)?.[1]
  if (browser === undefined) return agent === '' ? 'Unknown browser' : agent.slice(0, 60)
  const name = { Edg: 'Edge', OPR: 'Opera' }[browser] ?? browser
  return system === undefined ? name : `${name} on ${system.replace('Mac OS X', 'macOS')}`
}
