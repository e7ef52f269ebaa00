// Clients that go from one living process to another without a pause, until they are told to stop.
import type { Callee, Stage } from './stage.ts'

/** What it gives stops them, and resolves when the outcome of each command is known. */
export const load = (stage: Pick<Stage, 'send' | 'insist' | 'clients'>, alive: () => readonly Callee[]) => {
  let stopping = false
  const open: Parameters<Stage['send']>[1][] = []
  const client = async () => {
    while (!stopping) {
      const order = stage.clients.next()
      if ('unknown' in (await stage.send(stage.clients.pick(alive()), order))) open.push(order)
    }
  }
  const running = Promise.all([client(), client(), client()])
  return async () => {
    stopping = true
    await running
    for (const order of open) await stage.insist(() => stage.clients.pick(alive()), order)
  }
}
