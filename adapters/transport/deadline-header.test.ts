// How long a caller waits is taken from our own services; a stranger's word about it is not heard.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Call } from '../../kernel/ports.ts'
import { ok } from '../../kernel/result.ts'
import { publishedBy } from '../../kernel/openapi.ts'
import { parrotsDocument, serveParrots } from '../../tests/support/parrots-server.ts'
import { silent } from '../../tests/support/silent.ts'
import { answerHttp, deadlineHeader, routerOf } from './http.ts'

const popug = { id: 7, role: 'popug' }
const path = '/parrots/1/words/hello/echo'

/** How long a call that was asked for now may take, as whoever answers it is told; milliseconds. */
const listening = () => {
  const waits: number[] = []
  const call = ({ deadlineMs }: Call) => {
    waits.push(deadlineMs - performance.now())
    return Promise.resolve(ok({ word: 'hello' }))
  }
  return { waits, call }
}

const { routes } = publishedBy('parrots', parrotsDocument)

test('a stranger waits as long as anybody, whatever the header says', async () => {
  const { waits, call } = listening()
  const said = ['1', '0', '-5', '29000', 'soon', '1e-9']
  for (const value of said) {
    const request = new Request(`http://ates.test${path}`, { headers: { [deadlineHeader]: value } })
    const parts = { router: () => routerOf(routes), actorOf: () => Promise.resolve(popug), call, log: silent }
    assert.equal((await answerHttp(request, parts)).status, 200)
  }
  assert.equal(waits.length, said.length)
  for (const ms of waits) assert.ok(ms > 9_000 && ms <= 10_000, `${ms} ms`)
})

test('a service is believed, up to a limit', async () => {
  const { waits, call } = listening()
  const { url, tokens, close } = await serveParrots(call)
  await using _ = { [Symbol.asyncDispose]: close }
  const authorization = `Bearer ${await tokens.sign(popug, 'parrots')}`
  for (const ms of ['300', '20000', '900000', '0']) {
    const response = await fetch(`${url}${path}`, { headers: { authorization, [deadlineHeader]: ms } })
    assert.equal(response.status, 200)
  }
  for (const [index, most] of [300, 20_000, 300_000, 10_000].entries()) {
    const ms = waits[index] ?? -1
    assert.ok(ms <= most && ms > most - 1_000, `${ms} of ${most} ms`)
  }
})
