import { Tooltip, VisuallyHidden } from '@mantine/core'
import { IconLock } from '@tabler/icons-react'
import { useQuery } from '@tanstack/react-query'
import { useMemo } from 'react'
import type { Meta } from '../../../src/schema/answer.ts'
import { metaQuery } from '../api/analytics.ts'
import classes from './masked.module.css'

/** Replaces a value that the viewer may not see. */
export function Masked({ reason }: { readonly reason: string }) {
  return (
    <Tooltip label={reason}>
      <span className={classes.masked}>
        <IconLock size={12} stroke={2} aria-hidden="true" />
        <VisuallyHidden>Masked: {reason}</VisuallyHidden>
      </span>
    </Tooltip>
  )
}

/** The masked members of `requests`. */
export type Masks = {
  readonly known: boolean
  /** Why a member is masked, by its name without the dataset; undefined when it is not. */
  reasonFor(member: string): string | undefined
  /** Label of a row without a caller. Where some callers are masked, the row may belong to one of them. */
  readonly noCaller: 'Anonymous' | 'Anonymous or masked'
}

const defaultReason = 'Your roles do not allow reading consumers.'

/** The members of `requests` that are masked for the viewer. */
export function useMasks(): Masks {
  const { data, isError } = useQuery(metaQuery)
  return useMemo(() => {
    const isPartlyMasked = data?.visibility.callers?.scope === 'some'
    const reasons = data === undefined ? new Map<string, string>() : reasonsOf(data)
    return {
      known: data !== undefined || isError,
      reasonFor: (member) => reasons.get(member),
      noCaller: isPartlyMasked ? 'Anonymous or masked' : 'Anonymous',
    }
  }, [data, isError])
}

function reasonsOf({ datasets, visibility }: Meta): Map<string, string> {
  const reasons = new Map<string, string>()
  const members = datasets.flatMap(({ dimensions, measures }) => [...dimensions, ...measures])
  for (const { name, masked } of members) {
    if (!masked) continue
    const found = visibility.masked.find(({ member }) => member === name)
    reasons.set(name.slice(name.indexOf('.') + 1), found?.reason ?? defaultReason)
  }
  return reasons
}
