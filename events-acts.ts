// Acts from the command line: each is written into the operator log like those of the page; a running aTES carries it
// out, and otherwise this tool does.
import { userInfo } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import type { Behalf } from './kernel/caller.ts'
import { type Input, type Method, type Output, serviceRole } from './kernel/contract.ts'
import type { Host } from './kernel/host.ts'
import { isRefusal, must, type Outcome } from './kernel/result.ts'
import { operations } from './services/operations/contract.ts'
import { acting } from './services/operations/loops/acts.ts'
import { watcher } from './services/operations/loops/watcher.ts'

export type Act = Output<typeof operations.getAct>
export type Overview = Output<typeof operations.getOverview>

export interface Tool {
  readonly host: Host
  readonly say: (line: string) => void
  /** As who acts calls themselves; null when they did not say it. */
  readonly by: string | null
}

/** Whose shell it is; null where the machine has no name for them. */
const user = (): string | null => {
  try {
    return userInfo().username || null
  } catch {
    return null
  }
}

/** Who has a shell here may do what administrators may. The operator log has the name they gave, or that of the user. */
export const behalf = (by: string | null = null): Behalf => {
  const name = by ?? user()
  return {
    actor: { id: null, role: 'admin', ...(name === null ? {} : { name }) },
    requestId: `cli-${process.pid}`,
    timeoutMs: 60_000,
  }
}

export const asService: Behalf = {
  actor: { id: null, role: serviceRole },
  requestId: `cli-${process.pid}`,
  timeoutMs: 60_000,
}

const nobody = (): Promise<void> => Promise.resolve()

/** Looks for itself: a running aTES has looked a second ago, and one that does not run a while ago. */
export const overview = async ({ host }: Pick<Tool, 'host'>): Promise<Overview> => {
  const look = watcher({ watched: [...host.local.keys()], follow: nobody }, host.contextOf('operations'))
  await look.drained()
  await look.stop()
  return must(await host.call(operations.getOverview, {}, behalf()))
}

export const refused = (
  { say }: Pick<Tool, 'say'>,
  { refused: code, detail }: { refused: string; detail?: unknown },
): false => {
  say(`refused: ${code} ${JSON.stringify(detail ?? {})}`)
  return false
}

/** Asks for an act, and says what came of it. Resolves to false when it was refused or failed. */
export const act = async <M extends Method>(tool: Tool, method: M, input: Input<M>): Promise<boolean> => {
  await overview(tool)
  const asked = (await tool.host.call(method, input as never, behalf(tool.by))) as Outcome<Act>
  if (isRefusal(asked)) return refused(tool, asked)
  const end = await follow(tool, asked.ok)
  sayEnd(tool, end)
  return end.state === 'done' && end.failed === 0
}

/** What was done of it stays done. */
export const cancel = async (tool: Tool, id: number): Promise<boolean> => {
  const asked = await tool.host.call(operations.cancelAct, { id }, behalf(tool.by))
  if (isRefusal(asked)) return refused(tool, asked)
  sayEnd(tool, asked.ok)
  return true
}

const sayEnd = ({ say }: Tool, { id, kind, state, note, results }: Act): void => {
  for (const { what, count, example } of results) say(`${what}: ${count}${example ? `, such as: ${example}` : ''}`)
  say(`act ${id} ${kind}: ${state}${note ? `, ${note}` : ''}`)
}

/** A running aTES takes an act within this time; otherwise we carry it out. */
const takenMs = 1_500
const pollMs = 100

const follow = async ({ host, say }: Tool, { id }: Act): Promise<Act> => {
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
