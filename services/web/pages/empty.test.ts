// Where there is nothing to see, a page says what to do next, in each language.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { company } from '../scene.test-support.ts'

/** What stands in an empty state, below its title. */
const nextStepsIn = (html: string): string[] =>
  [...html.matchAll(/<div class="empty"><p class="empty-title">[^<]+<\/p>(.*?)<\/div>/gs)].map(([, rest = '']) => rest)

const cases = [
  ['/people?text=nothing+like+it', /added above/, /в форме выше/],
  ['/accounts?text=nothing+like+it', /number as #12/, /номер в виде #12/],
  ['/accounts/1', /when a task is given to this person.*href="\/tasks"/, /с первой задачей.*href="\/tasks"/],
] as const

for (const [path, english, russian] of cases) {
  test(`${path} says what to do next where it is empty`, async () => {
    const { browser, people, world } = company()
    world.lines.clear()
    browser.as(people.admin)
    for (const [language, next] of [
      ['en', english],
      ['ru', russian],
    ] as const) {
      browser.cookies.set('ates_language', language)
      const steps = nextStepsIn(await (await browser.get(path)).text())
      assert.equal(steps.length, 1, `${path} in ${language}`)
      assert.match(steps[0] ?? '', next)
    }
  })
}
