// The webhook as a receiver sees it: what is posted and signed, and which answers are none.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, test } from 'node:test'
import { Webhook } from 'standardwebhooks'
import type { Message } from '../../kernel/ports.ts'
import { heartbeat, keyOf, webhook } from './webhook.ts'

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const message: Message = {
  id: '00000000-0000-4000-8000-000000000001',
  at: new Date('2026-01-01T00:00:00Z'),
  subject: 'raised',
  text: 'text',
  body: { version: 1, alert: 'EventsParked', text: 'Не хватает «попугая»' },
}

const receiver = async (answer: (request: IncomingMessage, response: ServerResponse) => unknown) => {
  const server = createServer((request, response) => void answer(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

describe('the webhook', () => {
  test('posts JSON that a library of the standard verifies', async () => {
    const got = Promise.withResolvers<{ method: string; headers: Record<string, string>; body: string }>()
    await using server = await receiver(async (request, response) => {
      const { method = '', headers } = request
      got.resolve({ method, headers: headers as Record<string, string>, body: await text(request) })
      response.end()
    })
    await webhook({ url: server.url, secret }).send(message)
    const { method, headers, body } = await got.promise
    assert.deepEqual([method, headers['content-type']], ['POST', 'application/json'])
    assert.deepEqual(new Webhook(secret).verify(body, headers), { id: message.id, ...message.body })
    assert.throws(() => new Webhook(secret).verify(`${body} `, headers), /signature/)
    const other = `whsec_${Buffer.alloc(32, 8).toString('base64')}`
    assert.throws(() => new Webhook(other).verify(body, headers), /signature/)
  })

  test('without a secret signs nothing', async () => {
    const got = Promise.withResolvers<IncomingMessage>()
    await using server = await receiver((request, response) => {
      got.resolve(request)
      response.end()
    })
    await webhook({ url: server.url }).send(message)
    assert.equal((await got.promise).headers['webhook-signature'], undefined)
  })

  for (const status of [301, 302, 307, 400, 404, 410, 429, 500, 503])
    test(`takes ${status} for a no, and goes nowhere else`, async () => {
      const asked: string[] = []
      await using server = await receiver((request, response) => {
        asked.push(request.url ?? '')
        response.writeHead(status, { location: '/elsewhere' }).end()
      })
      await assert.rejects(webhook({ url: server.url }).send(message), new RegExp(`answered ${status}`))
      assert.deepEqual(asked, ['/hook'])
    })

  test('does not wait for an answer that does not come, or does not end', async () => {
    await using mute = await receiver(() => undefined)
    await assert.rejects(webhook({ url: mute.url, timeoutMs: 100 }).send(message), /timeout/)
    await using endless = await receiver((_request, response) => void response.write('still'))
    await webhook({ url: endless.url, timeoutMs: 5_000 }).send(message)
  })

  test('says when nobody listens', async () => {
    const { url } = await (async () => {
      await using server = await receiver(() => undefined)
      return server
    })()
    await assert.rejects(webhook({ url }).send(message), /fetch failed/)
    await assert.rejects(heartbeat(url)(), /fetch failed/)
  })
})

test('a sign of life asks for its address', async () => {
  const asked: string[] = []
  await using server = await receiver((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    response.end('OK')
  })
  await heartbeat(server.url)()
  assert.deepEqual(asked, ['GET /hook'])
})

describe('a secret', () => {
  for (const [what, text, ok] of [
    ['of 32 bytes', secret, true],
    ['of 24 bytes', `whsec_${Buffer.alloc(24, 1).toString('base64')}`, true],
    ['of 23 bytes', `whsec_${Buffer.alloc(23, 1).toString('base64')}`, false],
    ['of 65 bytes', `whsec_${Buffer.alloc(65, 1).toString('base64')}`, false],
    ['without its prefix', Buffer.alloc(32, 7).toString('base64'), false],
    ['that is no base64', `${secret}!`, false],
  ] as const)
    test(`${what} is ${ok ? 'one' : 'none'}`, () => assert.equal(keyOf(text) !== null, ok))
})
