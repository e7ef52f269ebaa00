// The operations pages: what they show when something is wrong, what is asked of operations, and who may ask it.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { anAct, calmOverview, troubledOverview } from '../operations.test-support.ts'
import { company, messageOf, unavailable } from '../scene.test-support.ts'

const textOf = (html: string) => html.replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ')

const scene = (replaced: Parameters<typeof company>[0] = {}) => {
  const all = company(replaced)
  const read = async (path: string) => textOf(await (await all.browser.get(path)).text())
  return { ...all, read }
}

describe('operations', () => {
  test('say that all is well when it is', async () => {
    const { browser, people, read } = scene()
    browser.as(people.accountant)
    const text = await read('/operations')
    assert.match(text, /Every event has arrived and every cent is accounted for/)
    assert.match(text, /ledger accounting #4,321 even running 0/)
    assert.match(text, /Nothing is missing anywhere/)
    assert.match(text, /No difference was found/)
  })

  test('show each trouble with its place, its age and its reason', async () => {
    const { browser, people, world, read } = scene()
    world.overview = troubledOverview()
    browser.as(people.manager)
    const text = await read('/operations')
    for (const expected of [
      /9 things need somebody to look/,
      /ledger accounting #4,310 11, for 42 secs running 3/,
      /roster task-tracker #12 even forked event #12 was applied as 0b54\S+, and in the producer’s log it is 5f0c\S+ now/,
      /7 events without a number, the oldest for 9 secs on the bus up to #4,300/,
      /task-tracker #4,311 to #4,321 ledger accounting .* the producer cannot be reached: Fault: connection refused open, 10 mins/,
      /task-tracker #100 ledger .* late arrived/,
      /ZodError: popugId must be a number TaskAssigned ledger accounting 3 1 discarded/,
      /silent for 10 mins no connection can be made: Error ECONNREFUSED: connect ECONNREFUSED 127\.0\.0\.1:4001/,
      /task-tracker: cut off publishing the events of accounting : the bus is closed/,
      /ReassignTasks #5 task-tracker waiting 10 of about 100 tasks there is nobody to be given a task now deadlock detected/,
      /2 differences/,
      /A consumer is behind ledger of .* which is 70 s old\. It moves\. ledger of accounting in task-tracker/,
    ])
      assert.match(text, expected)
  })

  test('show the breakers of the process that makes the page, which nobody else watches, as its own', async () => {
    let state: 'closed' | 'half-open' | 'open' = 'open'
    const { browser, people, read } = scene({ breakers: () => ({ identity: 'closed', accounting: state }) })
    browser.as(people.manager)
    const own = (said: string) =>
      new RegExp(`web answers the process that made this page – identity: through accounting: ${said} –`)
    assert.match(await read('/operations'), own('cut off'))
    state = 'half-open'
    assert.match(await read('/operations/overview'), own('being tried'))
    const alone = scene()
    alone.browser.as(alone.people.manager)
    assert.doesNotMatch(await alone.read('/operations'), /the process that made this page/)
  })

  test('show the processes of web as operations knows them, where it does', async () => {
    const { browser, people, world, read } = scene({ breakers: () => ({ accounting: 'closed' }) })
    const processOf = (state: 'closed' | 'open') => ({
      instance: state,
      startedAt: world.overview.now,
      seenAt: world.overview.now,
      troubles: state === 'open' ? [{ part: 'the watcher', what: 'no round for 40 s' }] : [],
      breakers: [{ service: 'accounting', state }],
    })
    const web = { name: 'web', seenAt: world.overview.now, silentSince: null, silentReason: null, stream: null }
    const reported = { ...web, instances: [processOf('closed'), processOf('open')] }
    world.overview = { ...calmOverview(), services: [...calmOverview().services, reported] }
    browser.as(people.manager)
    const text = await read('/operations')
    assert.match(text, /web answers 2 processes accounting: cut off the watcher : no round for 40 secs /)
    assert.doesNotMatch(text, /the process that made this page/)
  })

  test('tell differences that somebody decided about from those that somebody has to look at', async () => {
    const { browser, people, world, read } = scene()
    world.overview = { ...calmOverview(), explainedDifferences: 1 }
    browser.as(people.manager)
    assert.match(await read('/operations'), /No difference was found\. 1 discarded event/)
    assert.match(
      await read('/operations/differences'),
      /Event #4,201 of task-tracker .* discarded by decision sent twice/,
    )
    assert.doesNotMatch(await read('/operations/differences'), /still there/)
    world.overview = troubledOverview()
    assert.match(await read('/operations/differences'), /Event #4,200 of task-tracker .* still there/)
  })

  test('ask for themselves, and say when nobody watches', async () => {
    const { browser, people, world, read } = scene()
    browser.as(people.manager)
    assert.match(
      await (await browser.get('/operations')).text(),
      /<div id="operations" hx-get="\/operations\/overview"/,
    )
    assert.match(await (await browser.get('/operations/overview')).text(), /^<div id="operations"/)
    world.overview = { ...calmOverview(), observedAt: '2026-03-14T11:58:00Z' }
    assert.match(await read('/operations'), /The watcher is silent: the services were last looked at 2 mins ago/)
    world.overview = { ...calmOverview(), observedAt: null, services: [], consumers: [], reconciliations: [] }
    assert.match(await read('/operations'), /Nobody has looked at the services yet/)
  })

  test('are an error page that can be tried again when operations does not answer', async () => {
    const { browser, people } = scene({ replaced: { getOverview: unavailable } })
    browser.as(people.manager)
    assert.equal((await browser.get('/operations')).status, 503)
    assert.equal((await browser.get('/')).status, 200)
  })
})

describe('events set aside', () => {
  const group = '/operations/parked?service=accounting&consumer=ledger&fingerprint=abc123&state=parked'
  const about = { service: 'accounting', consumer: 'ledger', fingerprint: 'abc123', state: 'parked' }

  test('are shown by kind, and one with its body and headers', async () => {
    const { browser, people, read } = scene()
    browser.as(people.accountant)
    assert.match(await read(group), /ledger accounting ZodError: popugId must be a number .*task-tracker #4001/)
    assert.doesNotMatch(await (await browser.get(group)).text(), /type="checkbox"|name="do"/)
    const one = await read('/operations/parked/accounting/ledger/4001')
    assert.match(one, /&quot;popugId&quot;: &quot;nobody&quot;|"popugId": "nobody"/)
    assert.match(one, /Request request-of-the-event Trace 5{32} /)
    assert.equal((await browser.get('/operations/parked/accounting/ledger/7')).status, 404)
    assert.equal((await browser.get('/operations/parked/accounting/ledger/x')).status, 404)
    assert.equal((await browser.get('/operations/parked')).status, 404)
  })

  test('are tried again: the chosen ones, or all of the kind', async () => {
    const { browser, people, callsOf } = scene()
    browser.as(people.admin)
    const chosen = { ...about, 'event-4001': 'on', 'event-4100': 'on', do: 'retry', key: 'key-of-this-form' }
    const response = await browser.post('/operations/parked', chosen)
    assert.equal(response.headers.get('location'), '/operations/acts/1')
    assert.match(messageOf(await (await browser.get('/operations/acts/1')).text()), /Act #1 is written down/)
    await browser.post('/operations/parked', { ...about, do: 'retry-all' })
    assert.deepEqual(
      callsOf('RetryEvents').map(({ input }) => input),
      [
        { service: 'accounting', consumer: 'ledger', numbers: [4_001, 4_100], fingerprint: undefined },
        { service: 'accounting', consumer: 'ledger', numbers: undefined, fingerprint: 'abc123' },
      ],
    )
    assert.equal(callsOf('RetryEvents')[0]?.behalf.idempotencyKey, 'key-of-this-form')
  })

  test('are discarded only with a reason, and restored', async () => {
    const { browser, people, callsOf } = scene()
    browser.as(people.admin)
    const discard = { ...about, 'event-4001': 'on', do: 'discard' }
    const without = await browser.post('/operations/parked', discard)
    assert.equal(without.status, 422)
    const html = await without.text()
    assert.match(html, /Say why, in 3 to 1,000 characters/)
    assert.match(html, /name="event-4001" checked/)
    assert.deepEqual(callsOf('DiscardEvents'), [])
    await browser.post('/operations/parked', { ...discard, reason: 'sent twice by hand' })
    assert.partialDeepStrictEqual(callsOf('DiscardEvents')[0]?.input, { reason: 'sent twice by hand' })
    await browser.post('/operations/parked', { ...about, state: 'discarded', 'event-4001': 'on', do: 'restore' })
    assert.equal(callsOf('RestoreEvents').length, 1)
  })

  test('say when none was chosen, and refuse what no page of ours sends', async () => {
    const { browser, people, callsOf } = scene()
    browser.as(people.admin)
    const none = await browser.post('/operations/parked', { ...about, do: 'retry' })
    assert.deepEqual([none.status, /Choose at least one event/.test(await none.text())], [422, true])
    const odd = await browser.post('/operations/parked', { ...about, consumer: '../x', do: 'retry-all' })
    assert.equal(odd.status, 400)
    assert.deepEqual(callsOf('RetryEvents'), [])
  })
})

describe('a consumer', () => {
  const path = '/operations/consumers/accounting/ledger'
  const streamPath = '/operations/streams/task-tracker'

  test('is paused with a reason and resumed', async () => {
    const { browser, people, world, callsOf } = scene()
    browser.as(people.admin)
    assert.equal((await browser.post(`${path}/pause`, { reason: '' })).status, 422)
    await browser.post(`${path}/pause`, { reason: 'a deploy of ours' })
    assert.deepEqual(callsOf('PauseConsumer')[0]?.input, {
      service: 'accounting',
      consumer: 'ledger',
      reason: 'a deploy of ours',
    })
    const { consumers } = world.overview
    world.overview = { ...world.overview, consumers: consumers.map((one) => ({ ...one, state: 'paused' })) }
    assert.match(await (await browser.get(path)).text(), new RegExp(`action="${path}/resume"`))
    await browser.post(`${path}/resume`, {})
    assert.equal(callsOf('ResumeConsumer').length, 1)
  })

  test('gets a range again after a dry run that says what would happen', async () => {
    const { browser, people, callsOf, read } = scene()
    browser.as(people.admin)
    assert.doesNotMatch(await read(path), /What would happen/)
    const planned = await read(`${path}?after=4310&upTo=4321`)
    assert.match(planned, /Looked at #4,311 to #4,321; nothing was changed/)
    assert.match(planned, /would be applied 11 #4311, #4312 …/)
    assert.doesNotMatch(planned, /lies behind a gap/)
    assert.equal((await browser.get(`${path}?after=9&upTo=9`)).status, 422)
    assert.equal((await browser.get(`${path}?after=x&upTo=-1`)).status, 422)
    const range = { after: '4310', upTo: '4321' }
    await browser.post(`${path}/deliver`, range)
    assert.equal((await browser.post(`${path}/deliver`, { ...range, upTo: '7' })).status, 422)
    assert.deepEqual(
      callsOf('RefetchEvents').map(({ input }) => input),
      [{ service: 'accounting', consumer: 'ledger', after: 4_310, upTo: 4_321 }],
    )
  })

  test('leads to what every reader would do with a range that is said once more, and only from there it is said', async () => {
    const { browser, people, callsOf, read } = scene()
    browser.as(people.admin)
    const range = { after: '4309', upTo: '4321' }
    const asked = `${streamPath}?${new URLSearchParams(range)}`
    const consumer = await (await browser.get(`${path}?after=4309&upTo=4321`)).text()
    assert.ok(consumer.includes(`href="${asked.replace('&', '&amp;')}"`))
    assert.doesNotMatch(consumer, /redeliver"/)
    assert.doesNotMatch(await (await browser.get(streamPath)).text(), /redeliver"/)
    const planned = await read(asked)
    assert.match(planned, /Looked at #4,310 to #4,321; nothing was changed/)
    assert.match(planned, /ledger accounting .* would stay set aside 1 #4310 would be applied 11 #4311, #4312 …/)
    assert.match(planned, /identity does not answer/)
    assert.equal(callsOf('RedeliverEvents').length, 0)
    assert.match(await (await browser.get(asked)).text(), new RegExp(`action="${streamPath}/redeliver"`))
    await browser.post(`${streamPath}/redeliver`, range)
    assert.equal((await browser.post(`${streamPath}/redeliver`, { ...range, upTo: '7' })).status, 422)
    assert.deepEqual(
      callsOf('RedeliverEvents').map(({ input }) => input),
      [{ stream: 'task-tracker', after: 4_309, upTo: 4_321 }],
    )
    browser.as(people.manager)
    assert.doesNotMatch(await (await browser.get(asked)).text(), /redeliver"/)
    assert.equal((await browser.get(`${streamPath}?after=9&upTo=9`)).status, 422)
    for (const name of ['payroll', 'Not-A-Name'])
      assert.equal((await browser.get(`/operations/streams/${name}`)).status, 404)
  })

  test('that is forked waits for a decision', async () => {
    const { browser, people, world, callsOf, read } = scene()
    world.overview = troubledOverview()
    const forked = '/operations/consumers/task-tracker/roster'
    browser.as(people.manager)
    assert.match(await read(forked), /agree up to #10 and to differ from #12/)
    assert.doesNotMatch(await (await browser.get(forked)).text(), /\/accept"/)
    browser.as(people.admin)
    assert.equal((await browser.post(`${forked}/accept`, { after: 'x', reason: 'restored' })).status, 422)
    assert.equal((await browser.post(`${forked}/accept`, { after: '10', reason: '' })).status, 422)
    await browser.post(`${forked}/accept`, { after: '10', reason: 'restored from a copy' })
    assert.partialDeepStrictEqual(callsOf('AcceptHistory')[0]?.input, { after: 10 })
  })

  test('that there is not is a 404', async () => {
    const { browser, people } = scene()
    browser.as(people.admin)
    for (const place of ['accounting/nobody', 'nobody/ledger', '../ledger', 'A/b'])
      assert.equal((await browser.get(`/operations/consumers/${place}`)).status, 404, place)
  })
})

describe('the operator log', () => {
  test('says who did what and why, and follows what is under way', async () => {
    const { browser, people, world, read } = scene()
    const running = { state: 'running', total: 100, done: 40, failed: 2, startedAt: '2026-03-14T11:59:00Z' } as const
    const nobody = { requestedBy: null, requestedByName: null }
    world.acts.push(anAct('discard', { id: 2, ...running, reason: 'sent twice', consumer: 'ledger', ...nobody }))
    browser.as(people.manager)
    assert.match(await read('/operations/acts'), /#2 Discard set-aside events ledger .*sent twice the command line/)
    world.acts.push(anAct('reconcile', { id: 3, requestedBy: 77, requestedByName: 'Ada' }))
    assert.match(await read('/operations/acts'), /#3 Compare everything Ada/)
    world.acts.push(anAct('reconcile', { id: 4, requestedBy: null, requestedByName: 'Ada' }))
    assert.match(await read('/operations/acts'), /#4 Compare everything Ada, at the command line/)
    world.acts.splice(-2)
    const html = await (await browser.get('/operations/acts/2')).text()
    assert.match(html, /hx-get="\/operations\/acts\/2\/progress"/)
    assert.match(textOf(html), /40 of 100 ; 2 did not succeed/)
    assert.doesNotMatch(html, /\/cancel"/)
    browser.as(people.admin)
    await browser.post('/operations/acts/2/cancel', {})
    const ended = await (await browser.get('/operations/acts/2')).text()
    assert.match(messageOf(ended), /being stopped/)
    assert.doesNotMatch(ended, /hx-get/)
    assert.equal((await browser.get('/operations/acts/77')).status, 404)
    assert.equal((await browser.post('/operations/acts/77/cancel', {})).status, 404)
  })

  test('gets an entry when everything is to be compared', async () => {
    const { browser, people, callsOf } = scene()
    browser.as(people.admin)
    assert.equal((await browser.post('/operations/reconcile', {})).headers.get('location'), '/operations/acts/1')
    assert.equal(callsOf('Reconcile').length, 1)
  })
})

describe('the banner', () => {
  test('tells administrators on every page that an alert is raised', async () => {
    const { browser, people, world, read } = scene()
    world.overview = troubledOverview()
    browser.as(people.manager)
    assert.doesNotMatch(await read('/'), /alert is raised/)
    browser.as(people.admin)
    assert.match(await read('/'), /1 alert is raised\. Look at it/)
    assert.doesNotMatch(await read('/operations'), /Look at it/)
  })

  test('tells them that nobody watches', async () => {
    const { browser, people, world, read } = scene()
    world.overview = { ...calmOverview(), observedAt: '2026-03-14T11:00:00Z' }
    browser.as(people.admin)
    assert.match(await read('/people'), /The watcher is silent/)
  })

  test('keeps no page waiting when operations does not answer', async () => {
    const { browser, people, read } = scene({ replaced: { getAlarm: () => new Promise(() => undefined) } })
    browser.as(people.admin)
    assert.doesNotMatch(await read('/'), /watcher is silent|alert is raised/)
  })

  test('asks at most every few seconds', async () => {
    const { browser, people, world, callsOf } = scene()
    browser.as(people.admin)
    for (let times = 0; times < 3; times += 1) await browser.get('/')
    assert.equal(callsOf('GetAlarm').length, 1)
    world.now = new Date(world.now.getTime() + 4_000)
    await browser.get('/')
    assert.equal(callsOf('GetAlarm').length, 2)
  })
})
