import { Button, Popover, UnstyledButton } from '@mantine/core'
import { IconShieldCheck, IconShieldExclamation, IconShieldHalf } from '@tabler/icons-react'
import { useMutation, useQuery } from '@tanstack/react-query'
import type { AuditVerification } from '../../../src/schema/audit-answer.ts'
import { CopyText } from '../controls/copy-text.tsx'
import { formatCount, formatDate } from '../format/format.ts'
import { auditChainQuery, verifyAudit } from './audit-queries.ts'
import classes from './chain-state.module.css'

/** State of the audit chain: its latest checkpoint, and verification on demand. */
export function ChainState() {
  const { data: chain } = useQuery(auditChainQuery)
  const verification = useMutation({ mutationFn: verifyAudit })
  if (chain === undefined || chain.head === null) return null
  const { data: verdict } = verification
  return (
    <Popover position="bottom-end" width={360}>
      <Popover.Target>
        <UnstyledButton className={classes.chip} data-state={stateOf(verdict)}>
          <Icon verdict={verdict} />
          {stateLabel(verdict, chain.head.sequence)}
        </UnstyledButton>
      </Popover.Target>
      <Popover.Dropdown>
        <p className={classes.text}>
          Latest checkpoint: record {chain.head.sequence}, signed {formatDate(chain.head.time)} with
          key <code>{chain.head.key}</code>.
          {chain.base !== null && ` Records up to ${chain.base.sequence} were pruned.`}
        </p>
        <Verdict verdict={verdict} />
        {verification.isError && <p className={classes.text}>{verification.error.message}</p>}
        <div className={classes.actions}>
          <Button
            size="compact-xs"
            loading={verification.isPending}
            onClick={() => verification.mutate()}
          >
            Verify log
          </Button>
          <CopyText text={JSON.stringify(chain.head, undefined, 2)} title="Copy checkpoint" />
          <CopyText text={chain.public_key} title="Copy public key" />
        </div>
        <p className={classes.text}>
          Store a checkpoint elsewhere. <code>weir audit verify --checkpoint</code> then also
          detects a replaced log.
        </p>
      </Popover.Dropdown>
    </Popover>
  )
}

function Verdict({ verdict }: { readonly verdict: AuditVerification | undefined }) {
  if (verdict === undefined) return null
  if (verdict.intact)
    return (
      <p className={classes.text}>
        {formatCount(verdict.records)} records and {formatCount(verdict.checkpoints)} checkpoints
        verified. No record was changed.
      </p>
    )
  return (
    <ul className={classes.faults}>
      {verdict.faults.map(({ says }) => (
        <li key={says}>{says}</li>
      ))}
    </ul>
  )
}

const stateOf = (verdict: AuditVerification | undefined): string =>
  verdict === undefined ? 'signed' : verdict.intact ? 'intact' : 'broken'

function Icon({ verdict }: { readonly verdict: AuditVerification | undefined }) {
  const Shape =
    verdict === undefined
      ? IconShieldHalf
      : verdict.intact
        ? IconShieldCheck
        : IconShieldExclamation
  return <Shape size={15} stroke={1.8} aria-hidden="true" />
}

function stateLabel(verdict: AuditVerification | undefined, end: number): string {
  if (verdict === undefined) return `Signed up to record ${end}`
  return verdict.intact ? 'Verified' : 'Tampering detected'
}
