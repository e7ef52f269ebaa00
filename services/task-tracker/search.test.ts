// Looking for a text among all tasks gives the same as looking at each, whichever way the text is found.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { checkInvariants } from '../../tests/support/invariants.ts'
import { startSystem, type System } from '../../tests/support/system.ts'
import { must } from '../../kernel/result.ts'
import { addCast, idOf, tasksOf } from './tasks.test-support.ts'

const orders = ['newest', 'oldest', 'completed'] as const
const states = [undefined, 'open', 'completed'] as const

/** "flight" and "order" are in each description, and so is hardly worth looking for; numbers are in few. */
const descriptions = Array.from(
  { length: 150 },
  (_, n) => `Feed parrot, flight ${n % 7}, order ${n}${n % 50 ? '' : ', 100%_\\'}`,
)

const texts = [
  'order 17',
  'ORDER 14',
  'flight 3, order 1',
  'flight 3, order 136',
  'parrot',
  'flight',
  'order',
  'rder 12',
  'order  17',
  'order flight',
  'order 99999',
  'xylophone order',
  'order 100, 100%_\\',
  '100%_\\',
  '00%',
  'order_17',
  ', order 5',
  'Feed parrot, flight 0, order 0, 100%_\\ and more',
  'word '.repeat(39).trim(),
]

describe('a text among all tasks', () => {
  let system: System
  const { create, complete, find } = tasksOf(() => system)
  before(async () => {
    system = await startSystem()
    const { popugs } = await addCast(system)
    const popugId = idOf(popugs[0])
    for (const description of descriptions) {
      const { taskId } = must(await create(description, undefined, popugId))
      if (taskId % 3 === 0) must(await complete(taskId, popugId))
    }
    await system.database.query('analyze task_tracker.task_text')
  })
  after(async () => {
    await using _ended = system
    await checkInvariants(system)
  })

  for (const text of texts) {
    test(`${text.slice(0, 50)} is found where it is, in each order and state`, async () => {
      for (const order of orders) {
        for (const state of states) {
          const filter = { order, ...(state ? { state } : {}) }
          const all = await find(filter)
          const expected = all.filter(({ description }) => description.toLowerCase().includes(text.toLowerCase()))
          assert.deepEqual(await find({ ...filter, text }), expected, JSON.stringify(filter))
        }
      }
    })
  }
})
