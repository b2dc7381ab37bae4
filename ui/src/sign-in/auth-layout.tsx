import type { ReactNode } from 'react'
import { WeirMark } from '../shell/weir-mark.tsx'
import classes from './auth-layout.module.css'

type AuthLayoutProps = {
  readonly title: string
  readonly text: string
  readonly children: ReactNode
}

/** The layout of the sign-in and set-up pages. */
export function AuthLayout({ title, text, children }: AuthLayoutProps) {
  return (
    <div className={classes.page}>
      <main className={classes.card}>
        <WeirMark size={40} />
        <h1 className={classes.title}>{title}</h1>
        <p className={classes.text}>{text}</p>
        {children}
      </main>
      <Water />
    </div>
  )
}

/** Decoration in the shape of the logo. */
function Water() {
  return (
    <svg
      className={classes.water}
      viewBox="0 0 1440 300"
      preserveAspectRatio="none"
      aria-hidden="true"
    >
      {[0, 1, 2, 3, 4, 5].map((line) => {
        const y = 40 + line * 16
        const edge = 900 - line * 26
        return (
          <path
            key={line}
            d={`M0 ${y} H${edge} C${edge + 60} ${y} ${edge + 60} ${y + 40} ${edge + 60} ${y + 70} C${edge + 60} ${y + 130} ${edge + 90} ${y + 140} ${edge + 150} ${y + 140} H1440`}
          />
        )
      })}
    </svg>
  )
}
