// What a contract says once is held everywhere: names, and what the compiler refuses. The type check fails as soon as
// one of the lines below compiles that are expected not to.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { z } from 'zod'
import type { Caller, StandardRefusal } from './caller.ts'
import { command, contract, event, eventsOf, methodsOf, query } from './contract.ts'
import type { Emit } from './outbox.ts'
import { isRefusal, ok, refuse } from './result.ts'
import { defineService, type Delivered, type Handler, type Handlers, on } from './service.ts'

const page = z.int()
const allow = ['writer']

const paper = contract('paper', {
  foldPage: command({
    http: 'POST /pages/{page}/fold',
    summary: 'Folds a page.',
    allow,
    input: z.object({ page, times: z.int().default(1) }),
    output: z.object({ page, folds: z.int() }),
    refuses: { page_torn: 'conflict', page_not_found: 'absent' },
  }),
  wipePages: command({
    http: 'POST /wipe',
    summary: 'Wipes all.',
    allow,
    idempotent: true,
    input: z.object({}),
    output: z.object({}),
  }),
  getPage: query({
    http: 'GET /pages/{page}',
    summary: 'One page.',
    allow,
    input: z.object({ page }),
    output: z.object({ page }),
  }),
  pageFolded: event({
    version: 3,
    summary: 'A page was folded.',
    about: 'page',
    data: z.object({ page, folds: z.int() }),
  }),
  pageTorn: event({
    version: 1,
    summary: 'A page was torn.',
    about: 'page',
    data: z.object({ page, how: z.string() }),
  }),
})

const foldPage: Handler<typeof paper.foldPage> = ({ page, times }) => Promise.resolve(ok({ page, folds: times }))
const wipePages: Handler<typeof paper.wipePages> = () => Promise.resolve(ok({}))
const getPage: Handler<typeof paper.getPage> = ({ page }) => Promise.resolve(ok({ page }))

/** Never called: what is inside is for the compiler. */
const compileOnly = (_proof: () => unknown): void => undefined

describe('a contract', () => {
  test('names each entry on the wire after its key, and with its service', () => {
    const names = Object.values(paper).map(({ name, service, is }) => [name, service, is])
    assert.deepEqual(names, [
      ['FoldPage', 'paper', 'command'],
      ['WipePages', 'paper', 'command'],
      ['GetPage', 'paper', 'query'],
      ['PageFolded', 'paper', 'event'],
      ['PageTorn', 'paper', 'event'],
    ])
  })

  test('tells its methods from its events', () => {
    assert.deepEqual(
      methodsOf(paper).map(({ name }) => name),
      ['FoldPage', 'WipePages', 'GetPage'],
    )
    assert.deepEqual(
      eventsOf(paper).map(({ name, version }) => [name, version]),
      [
        ['PageFolded', 3],
        ['PageTorn', 1],
      ],
    )
  })

  test('holds queries for idempotent, and commands only when they say so', () => {
    assert.deepEqual(
      methodsOf(paper).map(({ idempotent }) => idempotent),
      [false, true, true],
    )
  })

  test('says that a method refuses nothing when it declares nothing', () => {
    assert.deepEqual(
      [paper.foldPage.refuses, paper.getPage.refuses],
      [{ page_torn: 'conflict', page_not_found: 'absent' }, {}],
    )
  })

  test('cannot be changed by whoever uses it', () => {
    assert.throws(() => Object.assign(paper.foldPage, { allow: ['anybody'] }), TypeError)
    assert.throws(() => Object.assign(paper, { another: paper.getPage }), TypeError)
  })
})

test('a service runs with a handler for each method, and its schema is named after it', () => {
  const service = defineService({
    name: 'fine-paper',
    contract: paper,
    handlers: { foldPage, wipePages, getPage },
    migrations: {},
  })
  assert.deepEqual([service.schema, service.consumers, service.jobs], ['fine_paper', [], []])
  assert.ok(Object.isFrozen(service))
})

test('the compiler refuses a handler that is missing and one that is not declared', () => {
  compileOnly(() => {
    // @ts-expect-error: getPage is missing
    const missing: Handlers<typeof paper> = { foldPage, wipePages }
    // @ts-expect-error: burnPage is not declared
    const undeclared: Handlers<typeof paper> = { foldPage, wipePages, getPage, burnPage: getPage }
    // @ts-expect-error: an event has no handler
    const ofEvent: Handlers<typeof paper> = { foldPage, wipePages, getPage, pageTorn: getPage }
    // @ts-expect-error: getPage is missing
    const service = defineService({ name: 'paper', contract: paper, migrations: {}, handlers: { foldPage, wipePages } })
    return [missing, undeclared, ofEvent, service]
  })
})

test('the compiler refuses a wrong output and a wrong use of the input', () => {
  compileOnly(() => {
    // @ts-expect-error: folds is missing
    const lacking: Handler<typeof paper.foldPage> = ({ page }) => Promise.resolve(ok({ page }))
    // @ts-expect-error: folds is a number
    const mistaken: Handler<typeof paper.foldPage> = ({ page }) => Promise.resolve(ok({ page, folds: 'two' }))
    // @ts-expect-error: the output says yes without ok()
    const bare: Handler<typeof paper.foldPage> = ({ page }) => Promise.resolve({ page, folds: 2 })
    // @ts-expect-error: the input has no colour
    const colour: Handler<typeof paper.foldPage> = ({ page, colour }) => Promise.resolve(ok({ page, folds: colour }))
    return [lacking, mistaken, bare, colour]
  })
})

test('the compiler refuses a refusal that the contract does not declare, also where the output is empty', () => {
  const torn: Handler<typeof paper.foldPage> = () => Promise.resolve(refuse('page_torn', { page: 1 }))
  compileOnly(() => {
    // @ts-expect-error: page_burnt is not declared
    const other: Handler<typeof paper.foldPage> = () => Promise.resolve(refuse('page_burnt'))
    // @ts-expect-error: wipePages refuses nothing
    const empty: Handler<typeof paper.wipePages> = () => Promise.resolve(refuse('page_torn'))
    // @ts-expect-error: getPage refuses nothing
    const asked: Handler<typeof paper.getPage> = () => Promise.resolve(refuse('page_not_found'))
    return [torn, other, empty, asked]
  })
})

test('the compiler refuses wrong data of an event', () => {
  compileOnly(() => (emit: Emit) => {
    emit(paper.pageFolded, [{ page: 1, folds: 2 }])
    // @ts-expect-error: folds is missing
    emit(paper.pageFolded, [{ page: 1 }])
    // @ts-expect-error: folds is a number
    emit(paper.pageFolded, [{ page: 1, folds: 'two' }])
    // @ts-expect-error: events are said as a set
    emit(paper.pageFolded, { page: 1, folds: 2 })
    // @ts-expect-error: a method is no event
    emit(paper.getPage, [{ page: 1 }])
  })
})

test('the compiler refuses an event about a field that it has not', () => {
  compileOnly(() => [
    // @ts-expect-error: the data has no popug
    event({ version: 1, summary: 'About nobody.', about: 'popug', data: z.object({ page }) }),
  ])
})

test('the compiler knows the events that a consumer gets, each with its data', () => {
  compileOnly(() => [
    on('folds', [paper.pageFolded, paper.pageTorn], (events) => {
      for (const one of events) {
        if (one.type === paper.pageTorn.name) continue
        // @ts-expect-error: nothing was said about a colour
        void one.data.colour
      }
      return Promise.resolve()
    }),
    on('torn', [paper.pageTorn], (events) => {
      const how: readonly string[] = events.map(({ data }) => data.how)
      // @ts-expect-error: a torn page has no folds
      const folds = events.map(({ data }) => data.folds)
      return Promise.resolve(void [how, folds])
    }),
    // @ts-expect-error: a method cannot be consumed
    on('pages', [paper.getPage], () => Promise.resolve()),
    // @ts-expect-error: a handler of another event
    on('mixed', [paper.pageTorn], (_events: readonly Delivered<typeof paper.pageFolded>[]) => Promise.resolve()),
  ])
})

test('the compiler knows what a caller may send, gets, and may be refused', () => {
  compileOnly(() => async (call: Caller) => {
    const behalf = { actor: { id: 1, role: 'writer' }, requestId: 'r' }
    const outcome = await call(paper.foldPage, { page: 1 }, behalf)
    if (isRefusal(outcome)) {
      const code: 'page_torn' | 'page_not_found' | StandardRefusal = outcome.refused
      // @ts-expect-error: this is not among its refusals
      return outcome.refused === 'page_burnt' ? code : null
    }
    const folds: number = outcome.ok.folds
    // @ts-expect-error: the output has no colour
    const { colour } = outcome.ok
    // @ts-expect-error: page is missing
    await call(paper.foldPage, { times: 2 }, behalf)
    // @ts-expect-error: an event cannot be called
    await call(paper.pageTorn, { page: 1, how: 'slowly' }, behalf)
    // @ts-expect-error: nobody acts
    await call(paper.foldPage, { page: 1 }, { requestId: 'r' })
    return [folds, colour]
  })
})

test('the compiler refuses a method without a path, a role list or a known kind of refusal', () => {
  compileOnly(() => [
    // @ts-expect-error: no verb
    query({ http: '/pages', summary: '', allow, input: z.object({}), output: z.object({}) }),
    // @ts-expect-error: nobody is allowed
    query({ http: 'GET /pages', summary: '', input: z.object({}), output: z.object({}) }),
    // @ts-expect-error: no such kind of refusal
    query({ ...paper.getPage, refuses: { page_lost: 'rude' } }),
  ])
})
