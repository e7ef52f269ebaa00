// What a process says of itself to Prometheus, read as Prometheus reads it.

/** One line: a name, its labels and a value. */
export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

const line = /^(\w+)(?:\{(.*)\})? (\S+)$/
const label = /(\w+)="((?:[^"\\]|\\.)*)"/g

const sampleOf = (text: string): Sample[] => {
  const [, name, labels = '', value] = line.exec(text) ?? []
  if (name === undefined) return []
  return [
    {
      name,
      labels: Object.fromEntries([...labels.matchAll(label)].map(([, key, of]) => [key, of])),
      value: Number(value),
    },
  ]
}

/** Throws when it does not answer. */
export const scrape = async (port: number): Promise<readonly Sample[]> => {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`, { signal: AbortSignal.timeout(5_000) })
  return (await response.text()).split('\n').flatMap(sampleOf)
}

/** The sum of the samples of this name that have these labels. */
export const sumOf = (
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number =>
  samples
    .filter((one) => one.name === name && Object.entries(labels).every(([key, value]) => one.labels[key] === value))
    .reduce((sum, { value }) => sum + value, 0)
