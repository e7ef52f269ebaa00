// Money is whole cents in a bigint; floating point never touches it.

/** An amount in whole cents. */
export type Cents = bigint

export const dollars = (whole: number): Cents => BigInt(whole) * 100n

/** Cents as a JSON number, for contracts. Throws RangeError outside the integers a JSON number carries exactly. */
export const toWire = (cents: Cents): number => {
  const wire = Number(cents)
  if (!Number.isSafeInteger(wire)) throw new RangeError(`${cents} cents do not fit a JSON number`)
  return wire
}

export const total = (amounts: Iterable<Cents>): Cents => {
  let sum = 0n
  for (const amount of amounts) sum += amount
  return sum
}
