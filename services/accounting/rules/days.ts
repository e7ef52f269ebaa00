// Which accounting day a moment belongs to, and when a new one begins.

/** The date of a moment in the business time zone, `2026-03-29`. */
export const businessDay = (moment: Date, timeZone: string): string =>
  Temporal.Instant.fromEpochMilliseconds(moment.getTime()).toZonedDateTimeISO(timeZone).toPlainDate().toString()

/** Days only go forward: a clock that was set back goes on with the day that is open. */
export const dayBegins = (open: string | null, today: string): boolean => open === null || today > open

/** A day and so many before it, oldest first. */
export const daysUpTo = (today: string, before: number): string[] => {
  const last = Temporal.PlainDate.from(today)
  return Array.from({ length: before + 1 }, (_, index) => last.subtract({ days: before - index }).toString())
}
