import { useRouter, type ErrorComponentProps } from '@tanstack/react-router'
import { Refusal } from './refusal.tsx'

/** The page in place of one that failed. */
export function PageError({ error, reset }: ErrorComponentProps) {
  const router = useRouter()
  return (
    <Refusal
      error={error}
      onRetry={() => {
        reset()
        void router.invalidate()
      }}
    />
  )
}
