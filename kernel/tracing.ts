// How events say where they belong in traces; and tracing when nobody wants to know: the work, and nothing else.
import type { Tracing } from './ports.ts'

const unsaid = (): void => undefined

export const noTracing: Tracing = {
  place: () => null,
  root: (_name, _options, work) => work(unsaid),
  span: (_name, _options, work) => work(unsaid),
  shared: (_name, _places, _options, work) => work(unsaid),
}

interface Numbered {
  readonly number: number
  readonly trace?: string | null | undefined
}

export const placesOf = (events: readonly Numbered[]) => events.map(({ trace }) => trace)

/** Which events a span is about. */
export const rangeOf = (events: readonly Numbered[]): Readonly<Record<string, number>> => ({
  'ates.events': events.length,
  'ates.first': events[0]?.number ?? 0,
  'ates.last': events.at(-1)?.number ?? 0,
})
