// Looks at a page as the rules of accessibility (axe) see it, and for what does not fit its width.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { AxeResults } from 'axe-core'
import type { Page } from 'playwright-core'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** All rules; or only those that go by colours, sizes and what can be seen, for a page whose markup was looked at already. */
const scopes = {
  everything: { type: 'tag', values: tags },
  appearance: {
    type: 'rule',
    values: ['color-contrast', 'link-in-text-block', 'scrollable-region-focusable', 'target-size'],
  },
} as const

/** What is wrong with the page as it is shown now; empty when nothing is. Needs a window with JavaScript. */
export const barriersOf = async (page: Page, scope: keyof typeof scopes = 'everything'): Promise<string[]> => {
  if (!(await page.evaluate<boolean>('"axe" in window'))) await page.evaluate(axe)
  const options = JSON.stringify({ resultTypes: ['violations'], runOnly: scopes[scope] })
  const { violations } = await page.evaluate<AxeResults>(`axe.run(document, ${options})`)
  const beyond = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth')
  return [
    ...violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes[0]?.html.slice(0, 200)}`),
    ...(beyond > 0 ? [`the page is ${beyond} pixels wider than its window`] : []),
  ]
}
