// Keyset pages: an opaque mark says where the next page begins, so that deep pages cost what the first one costs.

/** The mark of a place, from the values of its sort key. */
export const pageMarkOf = (...key: readonly (number | string)[]): string =>
  Buffer.from(JSON.stringify(key)).toString('base64url')

/** The sort key in a mark; undefined for no mark and for one that is not ours. */
export const readPageMark = (mark: string | undefined): readonly unknown[] | undefined => {
  if (!mark) return undefined
  try {
    const key: unknown = JSON.parse(Buffer.from(mark, 'base64url').toString())
    return Array.isArray(key) ? key : undefined
  } catch {
    return undefined
  }
}

/** The number at `place` of a mark, or what to begin with; also when the mark has one beyond `most`, which is not ours. */
export const numberInMark = (
  mark: string | undefined,
  place: number,
  otherwise: number,
  most: number = Number.MAX_SAFE_INTEGER,
): number => {
  const value = readPageMark(mark)?.[place]
  return Number.isSafeInteger(value) && Math.abs(value as number) <= most ? (value as number) : otherwise
}

/** Cuts what was read with one row more than the page holds, and marks the next page if there is one. */
export const pageOf = <Row>(
  rows: readonly Row[],
  limit: number,
  markOf: (last: Row) => string,
): { page: readonly Row[]; next: string | null } => {
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  return { page, next: rows.length > limit && last !== undefined ? markOf(last) : null }
}
