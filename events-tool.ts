// `npm run ates -- events ...`: how streams and consumers are, and the acts that mend them. An act is written into the
// operator log like those of the page; a running aTES carries it out, and otherwise this tool does.
import { parseArgs } from 'node:util'
import { setTimeout as pause } from 'node:timers/promises'
import { UsageError } from './complaints.ts'
import type { Behalf } from './kernel/caller.ts'
import type { Input, Method, Output } from './kernel/contract.ts'
import type { Host } from './kernel/host.ts'
import { isRefusal, must, type Outcome } from './kernel/result.ts'
import { standardContract } from './kernel/standard.ts'
import { serviceRole } from './kernel/contract.ts'
import { operations } from './services/operations/contract.ts'
import { acting } from './services/operations/loops/acts.ts'
import { watcher } from './services/operations/loops/watcher.ts'

export const eventsUsage = `  events status                                streams, consumers, what did not arrive, parked events, comparisons
  events positions <service>                   the same of one service, as JSON
  events parked <service> <consumer> [--state parked|discarded|applied]
  events retry|restore <service> <consumer> <number>... | --group <fingerprint>
  events discard <service> <consumer> <number>... | --group <fingerprint>  --reason <text>
  events plan|refetch <service> <consumer> <after> <up to>
                                               what a delivery from the producer's log would do; do it
  events redeliver <stream> <after> <up to>    say a range on the bus once more
  events pause <service> <consumer> --reason <text>
  events resume <service> <consumer>
  events accept <service> <consumer> [--after <number>] <reason>
                                               after a restore of the producer: say where a stopped consumer would go on; with that number, let it
  events reconcile                             compare everything from the beginning
  events acts                                  who did what`

type Say = (line: string) => void
type Act = Output<typeof operations.getAct>

interface Tool {
  readonly host: Host
  readonly say: Say
  readonly words: readonly string[]
  readonly options: {
    readonly after?: string | undefined
    readonly group?: string | undefined
    readonly reason?: string | undefined
    readonly state?: string | undefined
  }
}

/** Who has a shell here may do what administrators may; the operator log names nobody. */
const behalf = (): Behalf => ({
  actor: { id: null, role: 'admin' },
  requestId: `cli-${process.pid}`,
  timeoutMs: 60_000,
})
const asService: Behalf = { actor: { id: null, role: serviceRole }, requestId: `cli-${process.pid}`, timeoutMs: 60_000 }

const options = {
  after: { type: 'string' },
  group: { type: 'string' },
  reason: { type: 'string' },
  state: { type: 'string' },
} as const

/** Gives whether it succeeded. Throws `UsageError`. */
export const runEvents = async (args: readonly string[], host: Host, say: Say): Promise<boolean> => {
  const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true })
  const [name = '', ...words] = positionals
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (!command) throw new UsageError(`npm run ates -- events <command>\n${eventsUsage}`)
  const tool: Tool = { host, say, words, options: values }
  const done = await command(tool)
  return done ?? true
}

/** Resolves to false when it was refused or failed. */
type Command = (tool: Tool) => Promise<boolean>

const word = ({ words }: Tool, index: number, what: string): string => {
  const found = words[index]
  if (found === undefined) throw new UsageError(`${what} is missing:\n${eventsUsage}`)
  return found
}

const number = (text: string): number => {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`${text} is not the number of an event`)
  return Number(text)
}

const ofConsumer = (tool: Tool) => ({ service: word(tool, 0, 'a service'), consumer: word(tool, 1, 'a consumer') })
const reasonOf = ({ options: { reason } }: Tool): string => {
  if (reason === undefined) throw new UsageError('--reason is missing: it is kept in the operator log')
  return reason
}

const selection = (tool: Tool) => {
  const { group } = tool.options
  const numbers = tool.words.slice(2).map(number)
  return { ...ofConsumer(tool), ...(group === undefined ? { numbers } : { fingerprint: group }) }
}

const range = (tool: Tool) => ({
  after: number(word(tool, tool.words.length - 2, 'after which number')),
  upTo: number(word(tool, tool.words.length - 1, 'up to which number')),
})

const nobody = (): Promise<void> => Promise.resolve()

/** Looks for itself: a running aTES has looked a second ago, and one that does not run a while ago. */
const overview = async ({ host }: Pick<Tool, 'host'>) => {
  const look = watcher({ watched: [...host.local.keys()], follow: nobody }, host.contextOf('operations'))
  await look.drained()
  await look.stop()
  return must(await host.call(operations.getOverview, {}, behalf()))
}

/** A running aTES takes an act within this time; otherwise we carry it out. */
const takenMs = 1_500
const pollMs = 100

const act = async <M extends Method>(tool: Tool, method: M, input: Input<M>): Promise<boolean> => {
  await overview(tool)
  const asked = (await tool.host.call(method, input as never, behalf())) as Outcome<Act>
  if (isRefusal(asked)) return refused(tool, asked)
  const end = await follow(tool, asked.ok)
  for (const { what, count, example } of end.results)
    tool.say(`${what}: ${count}${example ? `, such as: ${example}` : ''}`)
  tool.say(`act ${end.id} ${end.kind}: ${end.state}${end.note ? `, ${end.note}` : ''}`)
  return end.state === 'done' && end.failed === 0
}

const refused = (
  { say }: Pick<Tool, 'say'>,
  { refused: code, detail }: { refused: string; detail?: unknown },
): false => {
  say(`refused: ${code} ${JSON.stringify(detail ?? {})}`)
  return false
}

const follow = async (tool: Tool, { id }: Act): Promise<Act> => {
  const { host, say } = tool
  const begun = performance.now()
  let own: ReturnType<typeof acting> | null = null
  let said = ''
  try {
    for (;;) {
      const now = must(await host.call(operations.getAct, { id }, behalf()))
      if (now.finishedAt !== null) return now
      const line = `${now.state}: ${now.done}${now.total === null ? '' : ` of ${now.total}`}${now.note ? `, ${now.note}` : ''}`
      if (line !== said) say(line)
      said = line
      if (now.state === 'queued' && performance.now() - begun > takenMs) own ??= acting(host.contextOf('operations'))
      await pause(pollMs)
    }
  } finally {
    await own?.stop()
  }
}

const status: Command = async (tool) => {
  const { say } = tool
  const seen = await overview(tool)
  for (const { name, stream, silentSince, silentReason } of seen.services)
    say(
      silentSince
        ? `${name}: silent since ${silentSince}, ${silentReason}`
        : `${name}: head ${stream?.head}, published ${stream?.published}, ${stream?.unnumbered} without a number`,
    )
  for (const { service, consumer, stream, number: at, behind, state, reason, parked } of seen.consumers)
    say(
      `${service} ${consumer}: at ${at} of ${stream}, ${behind} behind, ${state}${reason ? ` (${reason})` : ''}, ${parked} parked`,
    )
  for (const { service, consumer, after, head, since, reason } of seen.undelivered.filter(
    (one) => one.healedAt === null,
  ))
    say(`not delivered to ${service} ${consumer}: ${after + 1} to ${head}, since ${since}, ${reason}`)
  for (const { service, consumer, fingerprint, count, type, error } of seen.parkedGroups)
    say(`parked by ${service} ${consumer}: ${count} ${type}, group ${fingerprint}: ${error}`)
  for (const { name, upTo, lastRound, waiting } of seen.reconciliations)
    say(
      `compared ${name}: up to ${upTo}, last round ${lastRound?.finishedAt ?? 'not ended yet'}${waiting ? `, ${waiting}` : ''}`,
    )
  const explained = seen.explainedDifferences === 0 ? '' : ` (and ${seen.explainedDifferences} of discarded events)`
  say(`${seen.openDifferences} differences${explained}, ${seen.openAlerts} alerts, ${seen.openActs} acts in progress`)
  return true
}

const json = ({ say }: Tool, value: unknown): true => {
  say(JSON.stringify(value, null, 2))
  return true
}

const positions: Command = async (tool) => {
  const service = word(tool, 0, 'a service')
  if (!tool.host.local.has(service)) throw new UsageError(`there are ${[...tool.host.local.keys()].join(', ')}`)
  return json(tool, must(await tool.host.call(standardContract(service).getState, {}, asService)))
}

const parked: Command = async (tool) => {
  const input = {
    ...ofConsumer(tool),
    limit: 200,
    ...(tool.options.state ? { state: tool.options.state as 'parked' } : {}),
  }
  const found = await tool.host.call(operations.listParked, input, behalf())
  if (isRefusal(found)) return refused(tool, found)
  return json(tool, found.ok.parked)
}

const plan: Command = async (tool) => {
  const found = await tool.host.call(operations.planDelivery, { ...ofConsumer(tool), ...range(tool) }, behalf())
  if (isRefusal(found)) return refused(tool, found)
  const { stream, position, upTo, outcomes } = found.ok
  for (const { outcome, count } of outcomes) tool.say(`${outcome}: ${count}`)
  tool.say(`looked at ${stream} up to ${upTo}, with the consumer at ${position}; nothing was changed`)
  return true
}

const whoOf = ({ requestedBy, requestedByName }: Output<typeof operations.getAct>): string =>
  requestedBy === null ? 'command line' : (requestedByName ?? `person ${requestedBy}`)

const acts: Command = async (tool) => {
  for (const one of must(await tool.host.call(operations.listActs, { limit: 50 }, behalf())).acts) {
    const about = [one.service, one.consumer, one.reason].filter((part) => part !== null).join(' ')
    tool.say(
      `${one.requestedAt} ${whoOf(one)}: ${one.kind} ${about}: ${one.state}, ${one.done} done, ${one.failed} failed`,
    )
  }
  return true
}

/** Says where the histories part; with that number given back, lets the consumer go on there. */
const accept: Command = async (tool) => {
  const of = ofConsumer(tool)
  const reason = tool.options.reason ?? tool.words.slice(2).join(' ')
  const { after } = tool.options
  const found = await tool.host.call(operations.planAcceptance, of, behalf())
  if (isRefusal(found)) return refused(tool, found)
  const plan = found.ok
  if (after !== undefined && number(after) !== plan.after)
    return refused(tool, { refused: 'parts_elsewhere', detail: { after: plan.after } })
  if (after !== undefined) return act(tool, operations.acceptHistory, { ...of, after: plan.after, reason })
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

const commands: Readonly<Record<string, Command>> = {
  status,
  positions,
  parked,
  plan,
  acts,
  accept,
  retry: (tool) => act(tool, operations.retryEvents, selection(tool)),
  restore: (tool) => act(tool, operations.restoreEvents, selection(tool)),
  discard: (tool) => act(tool, operations.discardEvents, { ...selection(tool), reason: reasonOf(tool) }),
  refetch: (tool) => act(tool, operations.refetchEvents, { ...ofConsumer(tool), ...range(tool) }),
  redeliver: (tool) => act(tool, operations.redeliverEvents, { stream: word(tool, 0, 'a stream'), ...range(tool) }),
  pause: (tool) => act(tool, operations.pauseConsumer, { ...ofConsumer(tool), reason: reasonOf(tool) }),
  resume: (tool) => act(tool, operations.resumeConsumer, ofConsumer(tool)),
  reconcile: (tool) => act(tool, operations.reconcile, {}),
}
