import { IconLinkOff } from '@tabler/icons-react'
import { useSearch } from '@tanstack/react-router'
import { Notice } from '../parts/notice.tsx'
import type { Search } from '../view/search.ts'
import { Entrance } from './entrance.tsx'
import { FirstAccountForm } from './first-account-form.tsx'

/** Where the one-time link of the first start makes the first super-admin. */
export function SetUpPage() {
  const { secret }: Search = useSearch({ strict: false })
  return (
    <Entrance
      title="Welcome to Weir"
      words="Make the first account. It may do everything, and it can give others less."
    >
      {secret === undefined ? (
        <Notice
          compact
          icon={<IconLinkOff size={26} stroke={1.5} />}
          title="The link is incomplete"
        >
          Open the whole set-up link that Weir printed when it started; it holds a secret that works
          once.
        </Notice>
      ) : (
        <FirstAccountForm secret={secret} />
      )}
    </Entrance>
  )
}
