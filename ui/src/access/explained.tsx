import { IconCircleCheck, IconCircleX } from '@tabler/icons-react'
import type { AskTold, Explanation, RuleTold } from '../../../src/schema/entitlement.ts'
import { Panel } from '../parts/panel.tsx'
import classes from './explained.module.css'

/** The verdict on a question, the sentence of the rule that gave it, and every rule that was weighed. */
export function Explained({ explanation }: { readonly explanation: Explanation }) {
  const { allowed, because, principal, action, path, workspace, asks } = explanation
  const Icon = allowed ? IconCircleCheck : IconCircleX
  return (
    <Panel
      title={`${principal.name}, ${action} ${path} in ${workspace}`}
      hint={`revision ${explanation.revision}`}
    >
      <p className={classes.verdict} data-allowed={allowed || undefined}>
        <Icon size={20} stroke={1.8} aria-hidden="true" />
        <b>{allowed ? 'Allowed' : 'Denied'}</b> {because}
      </p>
      {asks.map((ask) => (
        <Asked key={`${ask.as} ${ask.workspace} ${ask.path} ${ask.action}`} ask={ask} />
      ))}
    </Panel>
  )
}

const roles = {
  asked: 'must be allowed',
  door: 'must not be forbidden',
  also: 'must be allowed too',
} as const
const verdicts = { allow: 'allowed', deny: 'forbidden', nothing: 'no rule speaks' } as const

function Asked({ ask }: { readonly ask: AskTold }) {
  return (
    <section className={classes.ask}>
      <h3>
        {ask.action} <code>{ask.path}</code> in {ask.workspace || 'no workspace'} {roles[ask.as]}:{' '}
        {verdicts[ask.says]}
      </h3>
      <ol>
        {ask.rules.map((rule) => (
          <Rule key={`${rule.level} ${rule.says}`} rule={rule} />
        ))}
      </ol>
    </section>
  )
}

const levels = [
  '',
  'this path in this workspace',
  'this path in any workspace',
  'any path in this workspace',
  'any path in any workspace',
  'by entity',
]

function Rule({ rule }: { readonly rule: RuleTold }) {
  return (
    <li data-decides={rule.decides || undefined} data-negative={rule.negative || undefined}>
      {rule.says} <small>{levels[rule.level]}</small>
      {rule.decides && <small> · this one decides</small>}
    </li>
  )
}
