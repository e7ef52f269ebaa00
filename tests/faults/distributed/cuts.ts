// What may become of the network between two parts.
import type { Proxy, Way } from '../../nats/proxy.ts'

/** What becomes of a link; the result mends it. */
export type Cut = (links: readonly Proxy[]) => Promise<() => Promise<void>>

const each = async (links: readonly Proxy[], act: (link: Proxy) => unknown): Promise<void> => {
  for (const link of links) await act(link)
}

/** What was on its way is lost, and so is the connection, when that is found out. */
const oneWay =
  (direction: (link: Proxy) => Way): Cut =>
  async (links) => {
    await each(links, (link) => direction(link).swallow())
    return () =>
      each(links, (link) => {
        link.cut()
        direction(link).release()
      })
  }

export const bothWays: Cut = async (links) => {
  await each(links, (link) => link.away())
  return () => each(links, (link) => link.back())
}

/** Everything arrives, and much later than what came by other ways. */
const late: Cut = async (links) => {
  await each(links, (link) => {
    link.toServer.hold()
    link.toClient.hold()
  })
  return () =>
    each(links, (link) => {
      link.toServer.release()
      link.toClient.release()
    })
}

/** Those that also who has no connection yet runs into where it can be seen. */
export const cutsOfNew: Readonly<Record<string, Cut>> = {
  'what is asked is lost': oneWay((link) => link.toServer),
  'what is answered is lost': oneWay((link) => link.toClient),
  'everything is late': late,
}

export const cuts: Readonly<Record<string, Cut>> = { ...cutsOfNew, 'connections are refused': bothWays }
