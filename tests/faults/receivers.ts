// Who gets alerts in a test: a webhook and a mail server, each of which can be away, slow, or unwilling.
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import type { Readable } from 'node:stream'
import { SMTPServer } from 'smtp-server'
import { Webhook } from 'standardwebhooks'

export const webhookSecret = `whsec_${Buffer.alloc(32, 20).toString('base64')}`

/** What was taken: its id, which is the same in every try, and what it says. */
export interface Taken {
  readonly id: string
  readonly what: string
}

/** `away`: nobody listens. `mute`: listens and says nothing. `no`: answers that it failed. `yes`: takes everything. */
export type Mood = 'away' | 'mute' | 'no' | 'yes'

/** A webhook on one port for as long as the test runs. */
export class Hook implements AsyncDisposable {
  readonly taken: Taken[] = []
  /** How often somebody asked, whatever became of it. */
  asked = 0
  private mood: Mood = 'away'
  private port = 0
  private server: Server | undefined

  get url(): string {
    return `http://127.0.0.1:${this.port}/alerts`
  }

  async be(mood: Mood): Promise<void> {
    this.mood = mood
    if (mood === 'away') await this.close()
    else if (!this.server) await this.listen()
  }

  async listen(): Promise<void> {
    const server = createServer((request, response) => void this.answer(request, response))
    server.listen(this.port, '127.0.0.1')
    await once(server, 'listening')
    this.port = (server.address() as AddressInfo).port
    this.server = server
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.asked += 1
    const body = await text(request)
    if (this.mood === 'mute') return
    if (this.mood === 'no') {
      response.writeHead(500).end()
      return
    }
    const said = new Webhook(webhookSecret).verify(body, request.headers as Record<string, string>)
    const { id = '', change, alert } = said as Record<string, string>
    this.taken.push({ id, what: `${change} ${alert}` })
    response.end()
  }

  private async close(): Promise<void> {
    const { server } = this
    this.server = undefined
    if (!server) return
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

const read = async (stream: Readable, take: (content: string) => Error | null, done: (error?: Error | null) => void) =>
  done(take(await text(stream)))

/** A mail server, up from the beginning; it refuses what it gets until it is willing. */
export class Post implements AsyncDisposable {
  readonly taken: Taken[] = []
  willing = false
  private readonly server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    onData: (stream, _session, done) => void read(stream, (content) => this.take(content), done),
  })

  private take(content: string): Error | null {
    if (!this.willing) return new Error('mailbox full')
    const id = /^Message-ID: <(.*)@ates>\r?$/m.exec(content)?.[1] ?? ''
    const what = /^Subject: \[aTES\] (\w+): (\w+),/m.exec(content) ?? []
    this.taken.push({ id, what: `${what[1]} ${what[2]}` })
    return null
  }

  async listen(): Promise<string> {
    this.server.on('error', () => undefined)
    this.server.listen(0, '127.0.0.1')
    await once(this.server.server, 'listening')
    return `smtp://127.0.0.1:${(this.server.server.address() as AddressInfo).port}`
  }

  [Symbol.asyncDispose](): Promise<void> {
    return new Promise((resolve) => this.server.close(() => resolve()))
  }
}
