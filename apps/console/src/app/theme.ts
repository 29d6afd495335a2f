import { Anchor, Badge, createTheme, type CSSVariablesResolver, Table, Tooltip } from '@mantine/core';

/** Some of Mantine's own are too pale on its own backgrounds for WCAG AA. */
export const darkerText: CSSVariablesResolver = ({ colors }) => ({
  variables: {},
  light: {
    '--mantine-color-dimmed': colors.gray[7],
    '--mantine-color-placeholder': '#6b7178',
    '--mantine-color-red-text': colors.red[9],
    '--mantine-color-error': colors.red[9],
    // Mantine's darkest shades of these two have less than 4.5:1 on white.
    '--mantine-color-orange-outline': '#b23c09',
    '--mantine-color-yellow-outline': '#875300',
    // Under the pointer a button would be lighter than its white text bears.
    '--mantine-color-cyan-filled-hover': '#095c6b',
    '--mantine-primary-color-filled-hover': '#095c6b',
  },
  dark: {
    '--mantine-color-dimmed': colors.dark[1],
    '--mantine-color-placeholder': '#a0a0a0',
    '--mantine-color-red-text': colors.red[4],
    '--mantine-color-error': colors.red[4],
    '--mantine-color-cyan-filled-hover': '#095c6b',
    '--mantine-primary-color-filled-hover': '#095c6b',
  },
});

export const theme = createTheme({
  primaryColor: 'cyan',
  primaryShade: 9,
  autoContrast: true,
  defaultRadius: 'sm',
  cursorType: 'pointer',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Noto Sans Mono", monospace',
  headings: { fontWeight: '650', sizes: { h1: { fontSize: '1.5rem' }, h2: { fontSize: '1.05rem' } } },
  respectReducedMotion: true,
  components: {
    // Within a text colour alone tells nobody that it is a link.
    Anchor: Anchor.extend({ defaultProps: { underline: 'always' } }),
    Table: Table.extend({ defaultProps: { verticalSpacing: 6, horizontalSpacing: 'sm' } }),
    Badge: Badge.extend({ defaultProps: { tt: 'none', radius: 'sm', variant: 'light', miw: 'max-content' } }),
    Tooltip: Tooltip.extend({ defaultProps: { openDelay: 200, multiline: true, maw: 360 } }),
  },
});
