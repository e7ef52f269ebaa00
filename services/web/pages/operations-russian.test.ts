// The operations pages in Russian: what services say in fixed words is said in Russian, and the rest is marked as English.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { anAct, troubledOverview } from '../operations.test-support.ts'
import { company } from '../scene.test-support.ts'

const textOf = (html: string) => html.replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ')

const inRussian = () => {
  const all = company()
  all.browser.as(all.people.admin)
  all.browser.cookies.set('ates_language', 'ru')
  /** What the page says, and which of it is in English. */
  const look = async (path: string) => {
    const html = await (await all.browser.get(path)).text()
    const [main = ''] = /<main[^]*<\/main>/.exec(html) ?? []
    const english = [...main.matchAll(/<(\w+)[^>]* lang="en"[^>]*>([^<]*)/g)].map(([, , text]) => text)
    return { english, text: textOf(main).replaceAll(/[\u00A0\u202F]/g, ' ') }
  }
  return { ...all, look }
}

test('an act says what came of it', async () => {
  const { world, look } = inRussian()
  const results = ['applied', 'still_parked', 'from_the_future'].map((what) => ({ what, count: 2, example: null }))
  world.acts.push(anAct('retry', { id: 2, state: 'done', finishedAt: world.overview.now, results }))
  const { english, text } = await look('/operations/acts/2')
  assert.match(text, / применено 2 .* по-прежнему отложено 2 .* from the future 2 /)
  assert.deepEqual(english, ['from the future'])
})

test('an act says why it has ended, and what it waits for', async () => {
  const { world, look } = inRussian()
  const note = 'Refused: not_forked {"state":"running"}'
  world.acts.push(anAct('accept_history', { id: 2, state: 'failed', finishedAt: world.overview.now, note }))
  world.acts.push(anAct('reconcile', { id: 3, state: 'running', note: 'comparing: log-ledger' }))
  world.acts.push(anAct('reconcile', { id: 4, state: 'running', note: 'Fault: no answer' }))
  const refused = await look('/operations/acts/2')
  assert.match(refused.text, /Этот потребитель продолжает знакомую ему историю: принимать нечего\./)
  const waiting = await look('/operations/acts/3')
  assert.match(waiting.text, /Ещё сверяется: Журнал событий и счета/)
  assert.deepEqual([refused.english, waiting.english], [[], []])
  assert.deepEqual((await look('/operations/acts/4')).english, ['Fault: no answer'])
})

test('an alert says what is wrong and with what; so does what waits', async () => {
  const { world, look } = inRussian()
  const overview = troubledOverview()
  const [comparison] = overview.reconciliations
  world.overview = { ...overview, reconciliations: [{ ...comparison!, waiting: 'accounting does not answer' }] }
  const { english, text } = await look('/operations')
  for (const expected of [
    /Потребитель отстаёт Потребитель ledger сервиса accounting отстаёт, хотя и движется: он на событии №4 310 потока task-tracker, а событие №4 321 известно уже 70 с\. потребитель ledger сервиса accounting, поток task-tracker /,
    /отправитель недоступен: Fault: connection refused/,
    /Журнал событий и счета сервис accounting не отвечает/,
    /сейчас некому дать задачу deadlock detected/,
  ])
    assert.match(text, expected)
  assert.deepEqual(english, [
    'event 12 has another id',
    'ZodError: popugId must be a number',
    'connection refused',
    'relay accounting: the bus is closed',
    'deadlock detected',
  ])
  assert.match((await look('/operations/alerts')).text, /отстаёт, хотя и движется/)
})
