/** Colors of a scheme; each status class and percentile has one color everywhere. */
export type Palette = {
  readonly body: string
  readonly panel: string
  readonly raised: string
  readonly text: string
  readonly dim: string
  readonly line: string
  readonly hover: string
  readonly accent: string
  /** For bars, dots and lines. */
  readonly status: Readonly<Record<StatusClass, string>>
  /** For text, on panels and on statusSoft. */
  readonly statusText: Readonly<Record<StatusClass, string>>
  /** Background of status text. */
  readonly statusSoft: Readonly<Record<StatusClass, string>>
  readonly percentile: Readonly<Record<Percentile, string>>
  /** Parts of a request's duration. */
  readonly timing: Readonly<Record<Part, string>>
}

/** The class of a status code, as in the dataset. */
export type StatusClass = (typeof statusClasses)[number]
export type Percentile = 'p50' | 'p95' | 'p99'
/** A part of a request's duration. */
export type Part = 'gateway' | 'upstream' | 'receive'

/** Every status class, from the bottom of a stack to its top. */
export const statusClasses = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const

const light: Palette = {
  body: '#f6f8f9',
  panel: '#ffffff',
  raised: '#ffffff',
  text: '#13222b',
  dim: '#566873',
  line: '#e2e8eb',
  hover: '#f1f5f6',
  accent: '#0b7285',
  status: {
    '1xx': '#7b8b96',
    '2xx': '#1f9e7c',
    '3xx': '#3f86d9',
    '4xx': '#c9820e',
    '5xx': '#d5433c',
  },
  statusText: {
    '1xx': '#4d5d68',
    '2xx': '#0f6b52',
    '3xx': '#1f5ea8',
    '4xx': '#8a5600',
    '5xx': '#b02a25',
  },
  statusSoft: {
    '1xx': '#eef1f3',
    '2xx': '#e3f5ef',
    '3xx': '#e6f0fb',
    '4xx': '#fcf1dc',
    '5xx': '#fdeae8',
  },
  percentile: { p50: '#8b87e6', p95: '#5f52c4', p99: '#33267f' },
  timing: { gateway: '#0b7285', upstream: '#8b87e6', receive: '#7b8b96' },
}

const dark: Palette = {
  body: '#0b1013',
  panel: '#11181c',
  raised: '#172025',
  text: '#e3ebef',
  dim: '#8fa1ac',
  line: '#212b31',
  hover: '#182227',
  accent: '#4cc3d6',
  status: {
    '1xx': '#7f8f9a',
    '2xx': '#2fae8a',
    '3xx': '#5b9be6',
    '4xx': '#e0a030',
    '5xx': '#ee6a62',
  },
  statusText: {
    '1xx': '#a9b8c2',
    '2xx': '#5fd3b1',
    '3xx': '#8fbdf3',
    '4xx': '#f0bd63',
    '5xx': '#ff9089',
  },
  statusSoft: {
    '1xx': '#1d262b',
    '2xx': '#10302a',
    '3xx': '#14283d',
    '4xx': '#33260f',
    '5xx': '#3a1a1a',
  },
  percentile: { p50: '#6f68d6', p95: '#a29cf4', p99: '#dedaff' },
  timing: { gateway: '#4cc3d6', upstream: '#7f79de', receive: '#7f8f9a' },
}

export const palettes: Readonly<Record<'light' | 'dark', Palette>> = { light, dark }

export function toStatusClass(status: number): StatusClass {
  const found = statusClasses.find((name) => name.startsWith(String(Math.floor(status / 100))))
  return found ?? '1xx'
}
