// `npm run ates -- events ...`: how streams and consumers are, what was found, and the acts that mend it: what the
// operations page offers.
import { parseArgs } from 'node:util'
import { UsageError } from './complaints.ts'
import { act, asService, behalf, cancel, overview, refused, type Tool } from './events-acts.ts'
import {
  byOf,
  type Given,
  number,
  ofConsumer,
  only,
  options,
  rangeFrom,
  reasonOf,
  selection,
  stateOf,
  word,
} from './events-given.ts'
import { actLine, alertLine, differenceLine, outcomeLines, statusLines } from './events-lines.ts'
import type { Input, Method } from './kernel/contract.ts'
import type { Host } from './kernel/host.ts'
import { isRefusal, must } from './kernel/result.ts'
import { standardContract } from './kernel/standard.ts'
import { operations } from './services/operations/contract.ts'

export const eventsUsage = `  events status                                services, consumers, what did not arrive, parked events, jobs, breakers, comparisons
  events alerts [--all]                        what people were told; also what is over
  events differences [--all]                   what reconciliation found, event by event; also what is gone
  events positions <service>                   streams and consumers of one service, as JSON
  events parked <service> <consumer> [--state parked|discarded|applied]
  events retry|restore <service> <consumer> <number>... | --group <fingerprint>
  events discard <service> <consumer> <number>... | --group <fingerprint>  --reason <text>
  events refetch <service> <consumer> <after> <up to> [--dry-run]
                                               deliver a range from the producer's log, or say what that would do
  events redeliver <stream> <after> <up to> [--dry-run]
                                               say a range on the bus once more, or what each consumer would do with it
  events pause <service> <consumer> --reason <text>
  events resume <service> <consumer>
  events accept <service> <consumer> [--after <number>] <reason>
                                               after a restore of the producer: say where a stopped consumer would go on; with that number, let it
  events reconcile                             compare everything from the beginning
  events cancel <act>                          stop an act; what it has done stays done
  events acts                                  who did what
                                               with each act: --by <name>, who does it; otherwise the user of the machine`

/** Resolves to false when it was refused or failed. */
type Run = (tool: Tool) => Promise<boolean>
/** Reads what was given, and tells what to do. Throws `UsageError`. */
type Command = (given: Given) => Run

const status: Command = (given) => {
  only(given, 0)
  return async (tool) => {
    for (const line of statusLines(await overview(tool))) tool.say(line)
    return true
  }
}

/** As many are listed; the page has them all. */
const mostListed = 200

const list = <One>({ say }: Tool, all: readonly One[], next: string | null, line: (one: One) => string): true => {
  for (const one of all) say(line(one))
  if (all.length === 0) say('none')
  if (next !== null) say(`and earlier ones, which the page Operations shows`)
  return true
}

const wanted = (given: Given) => {
  only(given, 0, ['all'])
  return { state: given.options.all ? ('all' as const) : ('open' as const), limit: mostListed }
}

const alerts: Command = (given) => {
  const asked = wanted(given)
  return async (tool) => {
    const found = must(await tool.host.call(operations.listAlerts, asked, behalf()))
    return list(tool, found.alerts, found.next, alertLine)
  }
}

const differences: Command = (given) => {
  const asked = wanted(given)
  return async (tool) => {
    const found = must(await tool.host.call(operations.listDifferences, asked, behalf()))
    return list(tool, found.differences, found.next, differenceLine)
  }
}

const acts: Command = (given) => {
  only(given, 0)
  return async (tool) => {
    const found = must(await tool.host.call(operations.listActs, { limit: mostListed }, behalf()))
    return list(tool, found.acts, found.next, actLine)
  }
}

const json = ({ say }: Tool, value: unknown): true => {
  say(JSON.stringify(value, null, 2))
  return true
}

const positions: Command = (given) => {
  only(given, 1)
  const service = word(given, 0, 'a service')
  return async (tool) => {
    if (!tool.host.local.has(service)) throw new UsageError(`there are ${[...tool.host.local.keys()].join(', ')}`)
    return json(tool, must(await tool.host.call(standardContract(service).getState, {}, asService)))
  }
}

const parked: Command = (given) => {
  only(given, 2, ['state'])
  const asked = { ...ofConsumer(given), state: stateOf(given), limit: mostListed }
  return async (tool) => {
    const found = await tool.host.call(operations.listParked, asked, behalf())
    return isRefusal(found) ? refused(tool, found) : json(tool, found.ok.parked)
  }
}

const refetch: Command = (given) => {
  only(given, 4, ['dry-run', 'by'])
  const asked = { ...ofConsumer(given), ...rangeFrom(given, 2) }
  if (!given.options['dry-run']) return (tool) => act(tool, operations.refetchEvents, asked)
  return async (tool) => {
    const found = await tool.host.call(operations.planDelivery, asked, behalf())
    if (isRefusal(found)) return refused(tool, found)
    const { stream, position, upTo, outcomes } = found.ok
    for (const line of outcomeLines(outcomes)) tool.say(line)
    tool.say(`looked at ${stream} up to ${upTo}; the consumer would be at ${position}; nothing was changed`)
    return true
  }
}

const redeliver: Command = (given) => {
  only(given, 3, ['dry-run', 'by'])
  const asked = { stream: word(given, 0, 'a stream'), ...rangeFrom(given, 1) }
  if (!given.options['dry-run']) return (tool) => act(tool, operations.redeliverEvents, asked)
  return async (tool) => {
    const found = await tool.host.call(operations.planRedelivery, asked, behalf())
    if (isRefusal(found)) return refused(tool, found)
    const { stream, upTo, consumers, unasked } = found.ok
    for (const { service, consumer, position, outcomes } of consumers) {
      for (const line of outcomeLines(outcomes)) tool.say(`${service} ${consumer}: ${line}`)
      tool.say(`${service} ${consumer}: would be at ${position}`)
    }
    for (const { service, reason } of unasked) tool.say(`${service} did not answer: ${reason}`)
    tool.say(
      `looked at ${stream} up to ${upTo}, with ${consumers.length === 1 ? '1 consumer' : `${consumers.length} consumers`}; nothing was changed`,
    )
    return true
  }
}

/** Says where the histories part; with that number given back, lets the consumer go on there. */
const accept: Command = (given) => {
  only(given, Infinity, ['after', 'reason', 'by'])
  const of = ofConsumer(given)
  const reason = given.options.reason ?? given.words.slice(2).join(' ')
  const after = given.options.after === undefined ? undefined : number(given.options.after)
  return async (tool) => {
    const found = await tool.host.call(operations.planAcceptance, of, behalf())
    if (isRefusal(found)) return refused(tool, found)
    const plan = found.ok
    if (after !== undefined && after !== plan.after)
      return refused(tool, { refused: 'parts_elsewhere', detail: { after: plan.after } })
    if (after !== undefined) return act(tool, operations.acceptHistory, { ...of, after, reason })
    tool.say(`${of.consumer} would go on after event ${plan.after} of ${plan.stream}, in epoch ${plan.epoch}`)
    tool.say(
      plan.leftAt > plan.after
        ? `events ${plan.after + 1} to ${plan.leftAt} as it applied them are lost there, and stay applied here`
        : 'nothing that it applied is lost there',
    )
    tool.say(
      `${plan.head > plan.after ? `events ${plan.after + 1} to ${plan.head} as they are there now come next` : 'nothing comes next yet'}; ${plan.discarded} parked ones are discarded`,
    )
    tool.say(
      `nothing was changed; to do it: events accept ${of.service} ${of.consumer} --after ${plan.after} ${reason || '<reason>'}`,
    )
    return true
  }
}

const cancelling: Command = (given) => {
  only(given, 1, ['by'])
  const id = number(word(given, 0, 'the number of an act'))
  return (tool) => cancel(tool, id)
}

/** An act that needs no more than its words and options. */
const acting =
  <M extends Method>(method: M, read: (given: Given) => Input<M>): Command =>
  (given) => {
    const input = read(given)
    return (tool) => act(tool, method, input)
  }

const commands: Readonly<Record<string, Command>> = {
  status,
  alerts,
  differences,
  positions,
  parked,
  refetch,
  redeliver,
  accept,
  acts,
  cancel: cancelling,
  retry: acting(operations.retryEvents, (given) => {
    only(given, Infinity, ['group', 'by'])
    return selection(given)
  }),
  restore: acting(operations.restoreEvents, (given) => {
    only(given, Infinity, ['group', 'by'])
    return selection(given)
  }),
  discard: acting(operations.discardEvents, (given) => {
    only(given, Infinity, ['group', 'reason', 'by'])
    return { ...selection(given), reason: reasonOf(given) }
  }),
  pause: acting(operations.pauseConsumer, (given) => {
    only(given, 2, ['reason', 'by'])
    return { ...ofConsumer(given), reason: reasonOf(given) }
  }),
  resume: acting(operations.resumeConsumer, (given) => {
    only(given, 2, ['by'])
    return ofConsumer(given)
  }),
  reconcile: acting(operations.reconcile, (given) => {
    only(given, 0, ['by'])
    return {}
  }),
}

/**
 * Reads a whole command before anything is done; what comes of it resolves to whether it succeeded. Throws `UsageError`, and what
 * `parseArgs` throws.
 */
export const eventsCommand = (
  args: readonly string[],
): ((host: Host, say: (line: string) => void) => Promise<boolean>) => {
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
  const [name = '', ...words] = positionals
  const given = { words, options: values }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!command) throw new UsageError(`npm run ates -- events <command>\n${eventsUsage}`)
  const [run, by] = [command(given), byOf(given)]
  return (host, say) => run({ host, say, by })
}
