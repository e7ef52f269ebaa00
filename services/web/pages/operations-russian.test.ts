// The operations pages in Russian: what services say in fixed words is said in Russian, and the rest is marked as English.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ok } from '../../../kernel/result.ts'
import { aDifference, anAct, troubledOverview } from '../operations.test-support.ts'
import { company } from '../scene.test-support.ts'

const textOf = (html: string) => html.replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ')

const inRussian = (replaced: NonNullable<Parameters<typeof company>[0]>['replaced'] = {}) => {
  const all = company({ replaced })
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
    'Fault: connection refused',
    'ZodError: popugId must be a number',
    'Error ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:4001',
    'deadlock detected',
  ])
  assert.match((await look('/operations/alerts')).text, /отстаёт, хотя и движется/)
})

test('what stands still, is silent or fails says why, and what programs said stays within it as it is', async () => {
  const { world, look } = inRussian()
  world.overview = troubledOverview()
  const [identity, tracker, accounting] = world.overview.services
  const [one] = accounting!.instances
  const stuck = { part: 'consumer ledger of task-tracker', what: 'a pass has been running for 20 s' }
  const newer = { part: 'tea of accounting', what: 'error: deadlock detected' }
  world.overview = {
    ...world.overview,
    services: [
      identity!,
      tracker!,
      { ...accounting!, instances: [{ ...one!, troubles: [...one!.troubles, stuck, newer] }] },
    ],
    jobs: [{ ...world.overview.jobs[0]!, trouble: 'Fault: accounting.GetState took too long' }],
  }
  const fork =
    /история разошлась под №12 было применено событие 0b54\S+, а в журнале отправителя под этим номером теперь 5f0c\S+ /
  const { english, text } = await look('/operations')
  for (const expected of [
    fork,
    /на паузе a deploy /,
    /молчит 10 мин не удаётся подключиться: Error ECONNREFUSED: connect ECONNREFUSED 127\.0\.0\.1:4001 /,
    /отправка событий потока accounting : шина закрыта потребитель ledger, поток task-tracker : текущий проход длится уже 20 с tea of accounting : error: deadlock detected /,
    /сейчас некому дать задачу операция accounting\.GetState заняла слишком много времени /,
  ])
    assert.match(text, expected)
  assert.deepEqual(english, [
    'Fault: connection refused',
    'ZodError: popugId must be a number',
    'Error ECONNREFUSED: connect ECONNREFUSED 127.0.0.1:4001',
    newer.part,
    newer.what,
  ])
  const forked = await look('/operations/consumers/task-tracker/roster')
  assert.match(forked.text, fork)
  assert.deepEqual(forked.english, [])
})

test('a consumer that stopped by itself says so in Russian, and one that somebody stopped in the words of that person', async () => {
  const { world, look } = inRussian()
  const stopped = (state: 'paused' | 'forked', reason: string) => {
    const { consumers } = troubledOverview()
    world.overview = { ...world.overview, consumers: consumers.map((one) => ({ ...one, state, reason })) }
    return look('/operations/consumers/accounting/ledger')
  }
  const byItself = await stopped('paused', 'more than 20 events parked in a row')
  assert.match(byItself.text, /на паузе подряд отложено больше 20 событий /)
  const bySomebody = await stopped('paused', 'a deploy')
  assert.match(bySomebody.text, /на паузе a deploy /)
  assert.deepEqual([byItself.english, bySomebody.english], [[], []])
  assert.deepEqual((await stopped('forked', 'from the future')).english, ['from the future'])
})

test('a difference says what it is about and what is wrong with it, on days as the reader writes them', async () => {
  const { world, look } = inRussian({
    listDifferences: () =>
      ok({
        differences: [
          'popug:12 on 2026-11-30: sum of a day is the sum of its postings',
          'task-tracker #4321',
          'popug:12: from the future',
        ].map((about, id) => ({ ...aDifference, id, about })),
        next: null,
      }),
  })
  world.overview = troubledOverview()
  const { english, text } = await look('/operations/differences')
  assert.match(
    text,
    /Счёт попуга №12, понедельник, 30 ноября: обороты за день не совпадают с записями за этот день не хватает /,
  )
  assert.match(text, /Событие №4 321 потока task-tracker /)
  assert.deepEqual(english, ['popug:12: from the future'])
})
