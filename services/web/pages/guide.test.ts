// The permissions and the API as the services publish them.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { methodsOf, serviceRole } from '../../../kernel/contract.ts'
import { accounting } from '../../accounting/contract.ts'
import { taskTracker } from '../../task-tracker/contract.ts'
import { roles } from '../../vocabulary.ts'
import { company } from '../scene.test-support.ts'

const methods = [taskTracker, accounting].flatMap(methodsOf).filter(({ allow }) => !allow.includes(serviceRole))

describe('permissions', () => {
  test('say yes and no for each role as the contracts do', async () => {
    const { browser, people } = company()
    browser.as(people.popug)
    const html = await (await browser.get('/permissions')).text()
    for (const { name, allow } of methods) {
      const [, row = ''] = new RegExp(`<strong>${name}</strong>(.*?)</tr>`).exec(html) ?? []
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
