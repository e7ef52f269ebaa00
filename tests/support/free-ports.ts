// Ports for servers that a test starts.
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/** Below those that a system gives to connections that go out, one of which could take the port meanwhile. */
const [lowest, highest] = [12_000, 32_000]
const tries = 100

const listening = async (left = tries): Promise<Server> => {
  const server = createServer().listen(randomInt(lowest, highest), '127.0.0.1')
  try {
    await once(server, 'listening')
    return server
  } catch (error) {
    if (left === 0) throw error
    return listening(left - 1)
  }
}

/** Ports of the loopback that nobody listened on a moment ago. */
export const freePorts = async (count: number): Promise<number[]> => {
  const servers = await Promise.all(Array.from({ length: count }, () => listening()))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => once(server.close(), 'close')))
  return ports
}
