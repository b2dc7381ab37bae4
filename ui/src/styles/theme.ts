import { createTheme, type CSSVariablesResolver } from '@mantine/core'
import { type Palette, palettes } from './palette.ts'

const smallInputs = { defaultProps: { size: 'sm' } } as const

/** The Mantine theme. */
export const theme = createTheme({
  fontFamily: `'Inter Variable', system-ui, -apple-system, 'Segoe UI', sans-serif`,
  fontFamilyMonospace: `ui-monospace, 'SF Mono', 'Cascadia Mono', Menlo, Consolas, 'DejaVu Sans Mono', monospace`,
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.25rem' },
  primaryColor: 'water',
  primaryShade: { light: 7, dark: 5 },
  autoContrast: true,
  defaultRadius: 'md',
  radius: { xs: '3px', sm: '5px', md: '7px', lg: '10px', xl: '14px' },
  cursorType: 'pointer',
  respectReducedMotion: true,
  headings: { fontWeight: '600', sizes: { h1: { fontSize: '1.0625rem', lineHeight: '1.4' } } },
  colors: {
    water: [
      '#e6f7fa',
      '#c9ecf2',
      '#9bdbe6',
      '#6ac9d9',
      '#4cc3d6',
      '#2ba9be',
      '#14899e',
      '#0b7285',
      '#0b5a6b',
      '#0b4a5c',
    ],
    dark: [
      '#e3ebef',
      '#c3d0d8',
      '#8fa1ac',
      '#5d6f7a',
      '#35434b',
      '#263138',
      '#172025',
      '#11181c',
      '#0d1317',
      '#0b1013',
    ],
  },
  components: {
    TextInput: smallInputs,
    PasswordInput: smallInputs,
    Button: smallInputs,
    Select: smallInputs,
    Tooltip: { defaultProps: { withArrow: true, openDelay: 250, multiline: true, maw: 320 } },
    Popover: { defaultProps: { shadow: 'md' } },
    Menu: { defaultProps: { shadow: 'md' } },
    Skeleton: { defaultProps: { radius: 'sm' } },
  },
})

/** The palettes as CSS variables, shared by style sheets and charts. */
export const cssVariables: CSSVariablesResolver = () => ({
  variables: {},
  light: toVariables(palettes.light),
  dark: toVariables(palettes.dark),
})

function toVariables(palette: Palette): Record<string, string> {
  const variables: Record<string, string> = {
    '--mantine-color-body': palette.body,
    '--mantine-color-text': palette.text,
    '--mantine-color-dimmed': palette.dim,
    '--mantine-color-default-border': palette.line,
    '--mantine-color-anchor': palette.accent,
    '--panel': palette.panel,
    '--raised': palette.raised,
    '--line': palette.line,
    '--hover': palette.hover,
    '--dim': palette.dim,
    '--accent': palette.accent,
  }
  for (const [name, color] of Object.entries(palette.status)) variables[`--status-${name}`] = color
  for (const [name, color] of Object.entries(palette.statusText))
    variables[`--status-${name}-text`] = color
  for (const [name, color] of Object.entries(palette.statusSoft))
    variables[`--status-${name}-soft`] = color
  for (const [name, color] of Object.entries(palette.timing)) variables[`--timing-${name}`] = color
  return variables
}
