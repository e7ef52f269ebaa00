// E-mail as a mail server sees it: what arrives, and what is not taken.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import type { Message } from '../../kernel/ports.ts'
import { mail } from './mail.ts'

const message: Message = {
  id: '00000000-0000-4000-8000-000000000001',
  at: new Date('2026-01-01T00:00:00Z'),
  subject: '[aTES] raised: EventsParked, ledger',
  text: 'ledger: 3 events could not be applied.\n',
  body: {},
}

const mailServer = async (options: SMTPServerOptions) => {
  const server = new SMTPServer({ disabledCommands: ['STARTTLS'], ...options })
  server.on('error', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  const { port } = server.server.address() as AddressInfo
  return {
    url: `smtp://watch:word@127.0.0.1:${port}`,
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  }
}

const taking = async (stream: Readable, done: () => void, take: (content: string) => void): Promise<void> => {
  take(await text(stream))
  done()
}

const addresses = { from: 'aTES <ates@example.com>', to: ['first@example.com', 'second@example.com'] }

test('a message arrives with its subject, its text, its time and an id that is the same in every try', async () => {
  const mails: { to: string[]; user: unknown; content: string }[] = []
  await using server = await mailServer({
    onAuth: ({ username, password }, _session, done) => done(null, { user: `${username}:${password}` }),
    onData: (stream, { envelope, user }, done) =>
      void taking(stream, done, (content) => {
        mails.push({ to: envelope.rcptTo.map(({ address }) => address), user, content })
      }),
  })
  const channel = mail({ server: server.url, ...addresses })
  await channel.send(message)
  await channel.send(message)
  const [first, second] = mails
  assert.ok(first && second)
  assert.deepEqual([first.to, first.user], [addresses.to, 'watch:word'])
  for (const line of [
    /^From: aTES <ates@example\.com>\r$/m,
    /^Subject: \[aTES\] raised: EventsParked, ledger\r$/m,
    /^Date: Thu, 01 Jan 2026 00:00:00 \+0000\r$/m,
    /^Message-ID: <00000000-0000-4000-8000-000000000001@ates>\r$/m,
    /^Auto-Submitted: auto-generated\r$/m,
    /^ledger: 3 events could not be applied\.\r$/m,
  ])
    assert.match(first.content, line)
  assert.equal(first.content, second.content)
})

test('a message that the server refuses was not taken, and the password is not in the error', async () => {
  await using server = await mailServer({
    authOptional: true,
    onAuth: (_auth, _session, done) => done(new Error('who are you')),
  })
  await assert.rejects(mail({ server: server.url, ...addresses }).send(message), (error: Error) => {
    assert.match(error.message, /who are you/)
    assert.doesNotMatch(error.message, /word/)
    return true
  })
})

test('one address that the server knows is enough', async () => {
  const taken: string[] = []
  await using server = await mailServer({
    onAuth: (_auth, _session, done) => done(null, { user: 'watch' }),
    onRcptTo: ({ address }, _session, done) => done(address.startsWith('first') ? new Error('unknown') : null),
    onData: (stream, { envelope }, done) =>
      void taking(stream, done, () => {
        taken.push(...envelope.rcptTo.map(({ address }) => address))
      }),
  })
  await mail({ server: server.url, ...addresses }).send(message)
  assert.deepEqual(taken, ['second@example.com'])
})

test('a server that says nothing is not waited for', async () => {
  const mute = createServer()
  mute.listen(0, '127.0.0.1')
  await once(mute, 'listening')
  const { port } = mute.address() as AddressInfo
  try {
    const channel = mail({ server: `smtp://127.0.0.1:${port}`, ...addresses, timeoutMs: 100 })
    // Several limits end at once: it is a matter of chance which of them says so.
    await assert.rejects(channel.send(message), { code: 'ETIMEDOUT' })
  } finally {
    mute.close()
  }
})
