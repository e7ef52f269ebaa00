// How many events fit into one call.

/** Less than what a service reads of a request, with room for what is around the events. */
export const mostBytes = 200 * 1024

/** The first of them that fit; at least one, for an event alone always does. */
export const thatFit = <Event>(events: readonly Event[]): readonly Event[] => {
  let bytes = 0
  const end = events.findIndex((event) => (bytes += Buffer.byteLength(JSON.stringify(event)) + 1) > mostBytes)
  return end < 0 ? events : events.slice(0, Math.max(1, end))
}
