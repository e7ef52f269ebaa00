// Those to whom alerts are told: a webhook, whose answers and network a test decides about, and a mail server.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { SMTPServer } from 'smtp-server'
import { Webhook as Verifier } from 'standardwebhooks'
import { openProxy, type Proxy } from '../nats/proxy.ts'

/** A message as it came: one that is said again is there again. */
export interface Told {
  readonly id: string
  /** Such as `raised: EventsParked, ledger of accounting in task-tracker`. */
  readonly what: string
}

/** Without repetitions. */
export const firstOfEach = (told: readonly Told[]): Told[] =>
  told.filter(({ id }, place) => told.findIndex((one) => one.id === id) === place)

const listen = async (server: Server): Promise<number> => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** `silence`: it has the message, and says nothing. */
export type Answer = 'thanks' | 'error' | 'silence'

export interface Webhook extends AsyncDisposable {
  /** What aTES must know of it. */
  readonly settings: Readonly<Record<string, string>>
  /** What it did not refuse. */
  readonly told: readonly Told[]
  /** To the next messages, one by one; the last answer stays. */
  answers(...answers: readonly Answer[]): void
  /** The network before it. */
  readonly link: Proxy
}

export const openWebhook = async (): Promise<Webhook> => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
  const verifier = new Verifier(secret)
  const told: Told[] = []
  let answers: readonly Answer[] = []
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const body = verifier.verify(await text(request), request.headers as Record<string, string>) as MessageBody
    const [answer = 'thanks', ...others] = answers
    if (others.length > 0) answers = others
    if (answer !== 'error') told.push({ id: body.id, what: `${body.change}: ${body.alert}, ${body.about}` })
    if (answer !== 'silence') response.writeHead(answer === 'error' ? 500 : 204).end()
  }
  const server = createServer((request, response) => {
    // Of a sender that was killed in the middle nothing has come.
    take(request, response).catch(() => response.destroy())
  })
  const link = await openProxy(await listen(server))
  return {
    settings: {
      ATES_ALERT_WEBHOOK_URL: `http://127.0.0.1:${link.port}/alerts`,
      ATES_ALERT_WEBHOOK_SECRET: secret,
    },
    told,
    answers: (...given) => void (answers = given),
    link,
    [Symbol.asyncDispose]: async () => {
      await link[Symbol.asyncDispose]()
      server.closeAllConnections()
      await once(server.close(), 'close')
    },
  }
}

/** Of what docs/operate/alerts.md names. */
type MessageBody = Readonly<Record<'id' | 'change' | 'alert' | 'about', string>>

export interface Mailbox extends AsyncDisposable {
  readonly settings: Readonly<Record<string, string>>
  readonly told: readonly Told[]
}

export const openMailbox = async (): Promise<Mailbox> => {
  const told: Told[] = []
  const take = async (stream: Readable, done: () => void) => {
    told.push(mailOf(await text(stream)))
    done()
  }
  const server = new SMTPServer({
    disabledCommands: ['STARTTLS', 'AUTH'],
    // Of a sender that was killed in the middle nothing has come.
    onData: (stream, _session, done) => void take(stream, done).catch(() => undefined),
  })
  server.on('error', () => undefined)
  const port = await listen(server.server)
  return {
    settings: {
      ATES_ALERT_MAIL_SERVER: `smtp://127.0.0.1:${port}`,
      ATES_ALERT_MAIL_FROM: 'ates@example.com',
      ATES_ALERT_MAIL_TO: 'on-call@example.com',
    },
    told,
    [Symbol.asyncDispose]: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

const mailOf = (content: string): Told => {
  // A long line of the head goes on in the next one.
  const [head = ''] = content.split('\r\n\r\n')
  const lines = head.replaceAll(/\r\n[ \t]+/g, ' ').split('\r\n')
  const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? ''
  return {
    id: field('Message-ID').replaceAll(/^<|@ates>$/g, ''),
    what: field('Subject').replace('[aTES] ', ''),
  }
}
