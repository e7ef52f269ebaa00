// A TCP proxy in front of any server: holds back or swallows what passes, each way for itself, and cuts.
import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type NetConnectOpts, type Socket } from 'node:net'

/** One direction, over all connections. */
export interface Way {
  /** What comes is kept, in order, until `release`. */
  hold(): void
  /** What comes is lost. The connections are of no use afterwards: cut them. */
  swallow(): void
  /** What was kept passes, and what comes from now on. */
  release(): void
  /** From now on what comes is shown, whatever becomes of it. */
  watch(see: (data: Buffer) => void): void
}

export interface Proxy extends AsyncDisposable {
  readonly port: number
  /** For a broker behind it. */
  readonly url: string
  readonly toServer: Way
  readonly toClient: Way
  /** How many connections there have been. */
  connections(): number
  /** How often something has come from the server and passed. */
  answers(): number
  /** How often something ran into a fault: was held or lost on its way, or its connection was ended. */
  struck(): number
  /** Ends all connections, as a network that breaks; new ones are let in. */
  cut(): void
  /** From now on connections are refused, and those that there are end. */
  away(): Promise<void>
  back(): Promise<void>
}

interface Passing {
  readonly way: Way
  readonly passed: () => number
  readonly stopped: () => number
  readonly take: (to: Socket, data: Buffer) => void
  readonly forget: () => void
}

const passing = (): Passing => {
  let state: 'open' | 'held' | 'swallowed' = 'open'
  let kept: { to: Socket; data: Buffer }[] = []
  let see: (data: Buffer) => void = () => undefined
  let [passed, stopped] = [0, 0]
  return {
    passed: () => passed,
    stopped: () => stopped,
    way: {
      hold: () => void (state = 'held'),
      swallow: () => void (state = 'swallowed'),
      release: () => {
        state = 'open'
        for (const { to, data } of kept) to.write(data)
        kept = []
      },
      watch: (given) => void (see = given),
    },
    take: (to, data) => {
      see(data)
      if (state === 'open') passed += 1
      else stopped += 1
      if (state === 'open') to.write(data)
      if (state === 'held') kept.push({ to, data })
    },
    forget: () => (kept = []),
  }
}

/** Where a connection goes, asked for each; null for nowhere. */
export type Target = () => NetConnectOpts | null

/** In front of a port of this machine, or wherever the target says. */
export const openProxy = async (to: number | Target): Promise<Proxy> => {
  const target: Target = typeof to === 'number' ? () => ({ port: to, host: '127.0.0.1' }) : to
  const [toServer, toClient] = [passing(), passing()]
  const sockets = new Set<Socket>()
  const pipe = (from: Socket, to: Socket, { take }: Passing) => {
    sockets.add(from)
    from.on('data', (data: Buffer) => take(to, data))
    from.on('error', () => undefined)
    from.on('close', () => {
      sockets.delete(from)
      to.destroy()
    })
  }
  let [connections, ended] = [0, 0]
  const server = createServer((client) => {
    connections += 1
    const where = target()
    if (where === null) {
      client.destroy()
      return
    }
    const behind = connect(where)
    client.setNoDelay(true)
    behind.setNoDelay(true)
    pipe(client, behind, toServer)
    pipe(behind, client, toClient)
  })
  const cut = () => {
    ended += sockets.size
    for (const socket of sockets) socket.destroy()
    toServer.forget()
    toClient.forget()
  }
  const listen = async (port: number) => {
    await once(server.listen(port, '127.0.0.1'), 'listening')
    return (server.address() as AddressInfo).port
  }
  const port = await listen(0)
  const away = async () => {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    cut()
    await closed
  }
  return {
    port,
    url: `nats://127.0.0.1:${port}`,
    toServer: toServer.way,
    toClient: toClient.way,
    connections: () => connections,
    answers: toClient.passed,
    struck: () => ended + toServer.stopped() + toClient.stopped(),
    cut,
    away,
    back: async () => void (await listen(port)),
    [Symbol.asyncDispose]: away,
  }
}
