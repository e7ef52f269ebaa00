// The security log as administrators read it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { company } from '../scene.test-support.ts'
import { addPerson } from '../web.test-support.ts'

test('says what happened to whose account, from where and by whom, of all or of one', async () => {
  const { browser, people } = company()
  browser.as(people.admin)
  const read = async (path: string) =>
    (await (await browser.get(path)).text()).replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ')
  assert.match(await read('/people'), /Security log/)
  assert.match(await read('/people/security'), /Sign-in failed anna@example\.com 10\.0\.0\.7 Parrot\/1/)
  const one = await read(`/people/security?popugId=${people.manager.popugId}`)
  assert.match(one, /Invited by you mia@example\.com/)
  assert.doesNotMatch(one, /anna@example/)
})

test('names who did it, and gives the number of an actor who is not known', async () => {
  const { browser, people, world } = company()
  browser.as(addPerson(world, 'Alba Amazon', 'admin'))
  const read = async () => (await (await browser.get('/people/security')).text()).replaceAll(/<[^>]+>/g, ' ')
  assert.match(await read(), /Invited\s+by Adam Amazon/)
  world.people.splice(world.people.indexOf(people.admin), 1)
  assert.match(await read(), /Invited\s+by person #4/)
})
