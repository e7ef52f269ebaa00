// A wire between aTES and PostgreSQL that a test can cut just when a COMMIT has been done and its answer is on the way.
import { createConnection, createServer, type Socket } from 'node:net'
import { mkdtemp, rm } from 'node:fs/promises'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type pg from 'pg'

export interface Wire extends AsyncDisposable {
  /** What aTES takes for the server's host, and its port. */
  readonly host: string
  readonly port: number
  /** Lets `nth - 1` commits pass, then cuts the one after them from its answer. */
  cutAnswerToCommit(nth: number): void
  /** Resolves when that has happened. */
  readonly cut: Promise<void>
}

/** A simple query: its kind, its length, its text with an end. */
const commit = Buffer.from('Q\0\0\0\x0bcommit\0')

const socketOf = ({ host = '', port = 5432 }: pg.ClientConfig): { path: string } | { host: string; port: number } =>
  host.startsWith('/') ? { path: join(host, `.s.PGSQL.${port}`) } : { host, port }

export const openWire = async (server: pg.ClientConfig): Promise<Wire> => {
  const host = await mkdtemp(join(tmpdir(), 'ates-wire-'))
  const port = 5432
  const sockets = new Set<Socket>()
  let left = 0
  let done = Promise.withResolvers<void>()

  /** The server has answered, so that it has committed; nobody will hear of it. */
  const cutOff = (...ends: readonly Socket[]): void => {
    for (const end of ends) end.destroy()
    done.resolve()
  }

  const carry = (client: Socket): void => {
    const database = createConnection(socketOf(server))
    let doomed = false
    client.on('data', (data: Buffer) => {
      if (left > 0 && data.includes(commit) && (left -= 1) === 0) doomed = true
      database.write(data)
    })
    database.on('data', (data: Buffer) => {
      if (doomed) cutOff(client, database)
      else client.write(data)
    })
    for (const [one, other] of [
      [client, database],
      [database, client],
    ] as const) {
      sockets.add(one)
      one.on('error', () => {})
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
  }

  const listening = createServer(carry)
  listening.listen(join(host, `.s.PGSQL.${port}`))
  await once(listening, 'listening')
  return {
    host,
    port,
    cutAnswerToCommit: (nth) => {
      left = nth
      done = Promise.withResolvers()
    },
    get cut() {
      return done.promise
    },
    [Symbol.asyncDispose]: async () => {
      listening.close()
      for (const socket of sockets) socket.destroy()
      await rm(host, { recursive: true, force: true })
    },
  }
}
