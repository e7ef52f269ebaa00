// The last of several events about the same thing: what handlers that keep state need of a batch.

/** Keeps the last item of each key; the order of the kept ones is that of their keys' first appearance. */
export const lastPerKey = <Item>(items: readonly Item[], keyOf: (item: Item) => unknown): Item[] => [
  ...new Map(items.map((item) => [keyOf(item), item])).values(),
]
