// The permissions and the API as the services publish them.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import { command, contract, methodsOf } from '../../../kernel/contract.ts'
import { accounting } from '../../accounting/contract.ts'
import { identity } from '../../identity/contract.ts'
import { operations } from '../../operations/contract.ts'
import { taskTracker } from '../../task-tracker/contract.ts'
import { everybody, roles } from '../../vocabulary.ts'
import { publicMethods } from '../gateway.ts'
import { company, directoryOf } from '../scene.test-support.ts'

const methods = [identity, taskTracker, accounting, operations]
  .flatMap(methodsOf)
  .filter(({ allow }) => roles.some((role) => allow.includes(role)))

describe('permissions', () => {
  test('say yes and no for each role as the contracts do', async () => {
    const { browser, people } = company()
    browser.as(people.popug)
    const html = await (await browser.get('/permissions')).text()
    for (const { name, allow } of methods) {
      const [, row = ''] = new RegExp(`<code class="muted below">${name}</code>(.*?)</tr>`).exec(html) ?? []
      const said = [...row.matchAll(/data-label="([^"]+)">(yes|no)</g)].map(([, , may]) => may)
      assert.deepEqual(
        said,
        roles.map((role) => (allow.includes(role) ? 'yes' : 'no')),
        name,
      )
    }
  })

  test('name the services that do not answer', async () => {
    const { browser, people } = company()
    browser.as(people.popug)
    for (const path of ['/permissions', '/api'])
      assert.match(await (await browser.get(path)).text(), /do not answer now[^<]*resting/)
  })
})

test('the API page has every public method with its address, what it takes, gives and refuses', async () => {
  const { browser, people } = company()
  browser.as(people.popug)
  const html = await (await browser.get('/api')).text()
  for (const { name, http, service, refuses } of methods) {
    const [verb, path] = http.split(' ')
    const [, details = ''] = new RegExp(`<strong>${name}</strong>(.*?)</details>`).exec(html) ?? []
    assert.ok(details.includes(`<code>${verb} /api/v1/${service}${path}</code>`), name)
    for (const code of Object.keys(refuses)) assert.ok(details.includes(`<code>${code}</code>`), `${name} ${code}`)
  }
  assert.match(html, /<strong>CreateTask<\/strong>.*?<code>description<\/code>.*?<code class="muted">string 1\.\.2000/)
})

/** What a newer version may publish: a service and a method that are not known here, and a field with other words. */
const newer = directoryOf({
  kitchen: contract('kitchen', {
    brewTea: command({
      http: 'POST /tea',
      summary: 'Brews tea.',
      allow: everybody,
      input: z.object({ minutes: z.int().describe('how long it draws') }),
      output: z.object({}),
    }),
  }),
})

describe('in Russian', () => {
  const inRussian = (options: Parameters<typeof company>[0] = {}) => {
    const { browser, people } = company(options)
    browser.as(people.popug)
    browser.cookies.set('ates_language', 'ru')
    return async (path: string) => {
      const html = await (await browser.get(path)).text()
      return /<main[^]*<\/main>/.exec(html)?.[0] ?? ''
    }
  }
  /** What a reader sees beside the names that programs are called by. */
  const read = (html: string) => html.replaceAll(/<code.*?<\/code>/g, '').replaceAll(/<[^>]+>/g, ' ')

  test('the permissions can be read by who has no English', async () => {
    const page = await inRussian()('/permissions')
    assert.match(page, /<h2 id="task-tracker">Задачи <code/)
    assert.match(page, /Отметить задачу выполненной\. Это может только её исполнитель\.<code[^>]*>CompleteTask</)
    assert.doesNotMatch(page, / lang=/)
    assert.deepEqual(read(page).match(/[a-z]+/gi), ['resting'])
  })

  test('the API has its English in code only', async () => {
    const page = await inRussian()('/api')
    assert.match(page, /<p>Создать задачу\. /)
    assert.doesNotMatch(page, / lang=/)
  })

  test('what only a newer version publishes is as that has it, and marked as English', async () => {
    const look = inRussian({ publicMethods: () => publicMethods(newer) })
    const english = /<span lang="en">([^<]*)</g
    assert.deepEqual(
      [...(await look('/permissions')).matchAll(english)].map(([, text]) => text),
      ['Brews tea.'],
    )
    assert.deepEqual(
      [...(await look('/api')).matchAll(english)].map(([, text]) => text),
      ['Brews tea.', 'how long it draws'],
    )
  })
})
