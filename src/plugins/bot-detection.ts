import { z } from 'zod'
import { linearRegex, regexError } from '../lib/linear-regex.ts'
import { Problem } from '../lib/problem.ts'
import { definePlugin } from '../proxy/plugin.ts'
import { knownBots } from './bot-detection/known-bots.ts'

const pattern = z.string().refine((source) => regexError(source) === undefined, {
  error: ({ input }) => `not a valid regex: ${String(input)}: ${regexError(String(input))}`,
})

const settings = z.strictObject({
  allow: z
    .array(pattern)
    .default([])
    .describe(
      'Regular expressions of user agents that are allowed. Takes precedence over the other rules.',
    ),
  deny: z
    .array(pattern)
    .default([])
    .describe('Regular expressions of user agents that are denied in addition to the known bots.'),
})

export const botDetection = definePlugin({
  name: 'bot-detection',
  about: 'Denies user agents of well-known bots, crawlers and HTTP libraries.',
  withoutScopes: ['consumer', 'consumer_group'],
  settings,
  prepare({ allow, deny }) {
    const allowed = allow.map((source) => linearRegex(source))
    const denied = [...deny, ...knownBots].map((source) => linearRegex(source))
    const verdicts = new Map<string, boolean>()
    const isBot = (agent: string): boolean => {
      const known = verdicts.get(agent)
      if (known !== undefined) return known
      const matches = (regex: { test(text: string): boolean }): boolean => regex.test(agent)
      const verdict = !allowed.some(matches) && denied.some(matches)
      if (verdicts.size >= maxVerdicts) verdicts.clear()
      if (agent.length <= maxCachedLength) verdicts.set(agent, verdict)
      return verdict
    }
    return {
      onRequest({ request: { headers } }) {
        const agents = headers.all('user-agent')
        if (agents.length > 1)
          throw new Problem('bot-detection.ambiguous', 400, 'Only one User-Agent header allowed')
        const [agent] = agents
        if (agent !== undefined && isBot(agent.trim()))
          throw new Problem('bot-detection.bot', 403, 'Forbidden')
      },
    }
  },
})

const maxVerdicts = 10_000
/** Characters; longer user agents are examined each time. */
const maxCachedLength = 512
