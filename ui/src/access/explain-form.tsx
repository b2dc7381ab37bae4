import { Button, Select, TextInput } from '@mantine/core'
import { IconCircleCheck, IconCircleX } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { type FormEvent, useState } from 'react'
import type { ExplainedRequest, Explanation, MatchedRule } from '../../../src/schema/entitlement.ts'
import { Panel } from '../layout/panel.tsx'
import { ErrorState } from '../notices/error-state.tsx'
import { type AccessCheck, entitlementsQuery, explanationQuery } from './access-queries.ts'
import classes from './explain-form.module.css'

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

/** Explains whether a principal may send a request, by the rules of the Admin API. */
export function ExplainForm({ workspaces }: { readonly workspaces: readonly string[] }) {
  const [workspace = workspaces[0] ?? '', setWorkspace] = useState<string>()
  const { data } = useQuery(entitlementsQuery(workspace))
  const names = data?.principals.map(({ principal }) => principal.name) ?? []
  const [typed, setTyped] = useState({ user: '', method: 'GET', path: '/services' })
  const [check, setCheck] = useState<AccessCheck & { readonly workspace: string }>()
  const user = names.includes(typed.user) ? typed.user : (names[0] ?? '')
  const submit = (event: FormEvent): void => {
    event.preventDefault()
    setCheck({ ...typed, user, workspace })
  }
  return (
    <div className={classes.columns}>
      <Panel title="Check a request" hint="Uses the same rules as the Admin API">
        <form onSubmit={submit} className={classes.form}>
          {workspaces.length > 1 && (
            <Select
              label="Workspace"
              data={workspaces}
              allowDeselect={false}
              value={workspace}
              onChange={(name) => name !== null && setWorkspace(name)}
            />
          )}
          <Select
            label="Principal"
            searchable
            data={names}
            value={user || null}
            onChange={(name) => setTyped({ ...typed, user: name ?? '' })}
          />
          <Select
            label="Method"
            w={110}
            data={methods}
            allowDeselect={false}
            value={typed.method}
            onChange={(method) => setTyped({ ...typed, method: method ?? 'GET' })}
          />
          <TextInput
            label={`Path in ${workspace}`}
            className={classes.path ?? ''}
            value={typed.path}
            onChange={(event) => setTyped({ ...typed, path: event.currentTarget.value })}
          />
          <Button type="submit" disabled={user === ''}>
            Explain
          </Button>
        </form>
      </Panel>
      {check !== undefined && <Result {...check} />}
    </div>
  )
}

function Result({ workspace, ...check }: AccessCheck & { readonly workspace: string }) {
  const { data, error } = useQuery(explanationQuery(workspace, check))
  if (error !== null) return <ErrorState error={error} what="this explanation" />
  return data === undefined ? null : <ExplanationPanel explanation={data} />
}

function ExplanationPanel({ explanation }: { readonly explanation: Explanation }) {
  const { allowed, because, principal, action, path, workspace, asks } = explanation
  const Icon = allowed ? IconCircleCheck : IconCircleX
  return (
    <Panel
      title={`${principal.name}: ${action} ${path} in ${workspace}`}
      hint={`Revision ${explanation.revision}`}
    >
      <p className={classes.verdict} data-allowed={allowed || undefined}>
        <Icon size={20} stroke={1.8} aria-hidden="true" />
        <b>{allowed ? 'Allowed' : 'Denied'}</b> {because}
      </p>
      {asks.map((check) => (
        <Check key={`${check.as} ${check.workspace} ${check.path} ${check.action}`} check={check} />
      ))}
    </Panel>
  )
}

const requirements = {
  asked: 'must be allowed',
  door: 'must not be denied',
  also: 'must also be allowed',
} as const
const verdicts = { allow: 'allowed', deny: 'denied', nothing: 'no rule applies' } as const

function Check({ check }: { readonly check: ExplainedRequest }) {
  return (
    <section className={classes.check}>
      <h3>
        {check.action} <code>{check.path}</code> in {check.workspace || 'no workspace'}{' '}
        {requirements[check.as]}: {verdicts[check.says]}
      </h3>
      <ol>
        {check.rules.map((rule) => (
          <Rule key={`${rule.level} ${rule.says}`} rule={rule} />
        ))}
      </ol>
    </section>
  )
}

/** By Kong's precedence level; 0 does not occur. */
const levels = [
  '',
  'this path in this workspace',
  'this path in any workspace',
  'any path in this workspace',
  'any path in any workspace',
  'entity permission',
]

function Rule({ rule }: { readonly rule: MatchedRule }) {
  return (
    <li data-decides={rule.decides || undefined} data-negative={rule.negative || undefined}>
      {rule.says} <small>{levels[rule.level]}</small>
      {rule.decides && <small> · decisive</small>}
    </li>
  )
}
