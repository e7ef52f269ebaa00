// What came of the steps of an act, added up.

export interface Result<What extends string = string> {
  readonly what: What
  readonly count: number
  /** What was said of one of them, such as its error. */
  readonly example: string | null
}

/** Those of each kind, in the order in which the kinds appear. */
export const tally = <Item, Kind>(items: readonly Item[], kindOf: (item: Item) => Kind): Map<Kind, Item[]> =>
  Map.groupBy(items, kindOf)

export interface Came<What extends string = string> {
  readonly what: What
  readonly detail?: string | undefined
}

/** What was known, and what came of one step more. */
export const added = (before: readonly Result[], came: readonly Came[]): Result[] => {
  const kinds = tally(came, ({ what }) => what)
  const known = before.map((one) => {
    const more = kinds.get(one.what) ?? []
    return { ...one, count: one.count + more.length, example: one.example ?? detailOf(more) }
  })
  const fresh = [...kinds].filter(([what]) => !before.some((one) => one.what === what))
  return [...known, ...fresh.map(([what, more]) => ({ what, count: more.length, example: detailOf(more) }))]
}

const detailOf = (came: readonly Came[]): string | null => came.find(({ detail }) => detail)?.detail ?? null

/** These leave nothing to be done. */
const well = new Set([
  'applied',
  'absent',
  'already',
  'was_parked_now_applied',
  'discarded',
  'restored',
  'said',
  'paused',
  'running',
  'accepted',
])

/** How many did not come to what the act was for. */
export const failures = (came: readonly Came[]): number => came.filter(({ what }) => !well.has(what)).length
