// Compares what a producer said with what a consumer's tables tell, at a number: by counts and hashes of ranges, and
// where those differ, event by event.
import { must } from '../../../kernel/result.ts'
import { mostDiscarded, mostSetAside, standardContract } from '../../../kernel/standard.ts'
import { doesNotAnswer, isForked } from '../rules/reasons.ts'
import { differingEvents, discardedEvent, type Range, rangesAround, rangesBetween, type Told } from '../rules/ranges.ts'
import { begun, isDue, newProgress, type Progress } from '../rules/rounds.ts'
import { type NewDifference, openNumbers } from '../store/differences.ts'
import { positionSeen } from '../store/watch.ts'
import { asReconciler, type Compared, type Comparison, mostOpen, type Seen } from './comparison.ts'

interface Sides {
  readonly name: string
  readonly stream: string
  readonly service: string
  readonly consumer: string
}

/** What is known to differ is looked at again after so long. */
const againMs = 5_000

export const compareLog = (sides: Sides): Comparison => {
  let lookedAgainAt = -Infinity
  let lookedAgain = false
  return {
    name: sides.name,
    next: async (seen, read) => {
      const [position, open] = await read(
        async (tx) =>
          [await positionSeen(tx, sides.service, sides.consumer), await openNumbers(tx, sides.name, mostOpen)] as const,
      )
      if (!position) return doesNotAnswer(sides.service)
      if (position.state === 'forked') return isForked(sides.consumer)
      const known = seen.progress
      // After a restore that was accepted, nothing that was compared counts any more.
      const progress = known?.epoch === position.epoch ? known : newProgress(position.epoch, seen.now)
      // Never twice in a row: where much differs and steps are slow, nothing else would ever have its turn.
      const again = open.numbers.length > 0 && !lookedAgain && performance.now() - lookedAgainAt >= againMs
      if (again) lookedAgainAt = performance.now()
      lookedAgain = again
      const plan = planOf(progress, position.number, again ? open.numbers : [], seen.now)
      if (plan === null) return null
      const { found, count, ranges } = await compare(sides, plan.ranges, seen)
      return { found, ranges, ...plan.after(ranges.at(-1)?.upTo ?? null, count) }
    },
  }
}

interface Plan {
  readonly ranges: readonly Range[]
  /** Where things are when that has been compared up to a number. */
  readonly after: (upTo: number | null, count: number) => Pick<Compared, 'progress' | 'ended'>
}

/** What is known to differ first, then what is new, then round and round. */
const planOf = (progress: Progress, position: number, differing: readonly number[], now: Date): Plan | null => {
  const most = Math.min(progress.upTo, position)
  const again = rangesAround(differing, most)
  if (again.length > 0) return { ranges: again, after: () => ({ progress, ended: false }) }
  const fresh = rangesBetween(progress.upTo, position)
  if (fresh.length > 0)
    return {
      ranges: fresh,
      after: (upTo) => ({ progress: { ...progress, upTo: upTo ?? progress.upTo }, ended: false }),
    }
  if (!isDue(progress, now)) return null
  const round = begun(progress, now)
  return {
    ranges: rangesBetween(round.cursor, most),
    after: (upTo, count) => {
      const cursor = upTo ?? most
      return { progress: { ...round, cursor, compared: round.compared + count }, ended: cursor >= most }
    },
  }
}

/** Compares the first of these ranges, as far as one step goes: `ranges` are those. */
const compare = async (
  sides: Sides,
  asked: readonly Range[],
  { call }: Seen,
): Promise<{ found: NewDifference[]; count: number; ranges: readonly Range[] }> => {
  const { stream, service, consumer } = sides
  const effects = must(
    await call(standardContract(service).digestEffects, { consumer, ranges: [...asked] }, asReconciler),
  )
  const { types, setAside: without, discarded } = effects
  const toldUpTo = Math.min(lastOf(without, mostSetAside), lastOf(numbersOf(discarded), mostDiscarded))
  const known = asked.filter(({ upTo }) => upTo <= toldUpTo)
  const log = must(await call(standardContract(stream).digestLog, { types, ranges: [...known], without }, asReconciler))
  const differs = (_: Range, index: number): boolean => {
    const [said, done] = [log.digests[index], effects.digests[index]]
    return said?.count !== done?.count || said?.hash !== done?.hash
  }
  const differ = known.filter(differs)
  const beyond = differ[mostListed]
  const ranges = beyond ? known.slice(0, known.indexOf(beyond)) : known
  const found: NewDifference[] = []
  for (const range of differ.slice(0, mostListed))
    found.push(...(await nameThem(sides, { range, types, without }, call)))
  const named = new Set(numbersOf(found))
  const decided = discarded.filter(
    ({ number }) => !named.has(number) && ranges.some(({ after, upTo }) => after < number && number <= upTo),
  )
  found.push(
    ...decided.map(({ reason, ...event }) => ({ ...discardedEvent(event), ...about(sides, event), explained: reason })),
  )
  const count = log.digests.slice(0, ranges.length).reduce((sum, digest) => sum + digest.count, 0)
  return { found, count, ranges }
}

const numbersOf = (events: readonly { readonly number: number | null }[]): number[] =>
  events.map(({ number }) => number ?? 0)

/** The kernel names no more than so many; ranges behind the last of them are left to the next step. */
const lastOf = (numbers: readonly number[], most: number): number =>
  numbers.length < most ? Infinity : (numbers.at(-1) ?? 0)

const about = ({ name, stream }: Sides, { number }: { readonly number: number }) => ({
  name,
  about: `${stream} #${number}`,
})

/** Where more ranges differ, the step ends before the next one. */
const mostListed = 8

interface Differing {
  readonly range: Range
  readonly types: { type: string; fields: string[] }[]
  readonly without: readonly number[]
}

const nameThem = async (
  sides: Sides,
  { range, types, without }: Differing,
  call: Seen['call'],
): Promise<NewDifference[]> => {
  const { stream, service, consumer } = sides
  const leading = must(await call(standardContract(stream).listLog, { types, ...range }, asReconciler)).events
  const following = must(await call(standardContract(service).listEffects, { consumer, ...range }, asReconciler)).events
  const aside = new Set(without)
  const said: Told[] = leading.filter(({ number }) => !aside.has(number))
  return differingEvents(said, following).map((difference) => ({
    ...about(sides, difference),
    ...difference,
    explained: null,
  }))
}
