// Arrays as PostgreSQL reads them. The driver searches every element for what it must escape and quotes each; with the
// sets that our statements take, that cost as much as everything else it does to send them.

/** Read as they stand; the word null would be no text. */
const plain = /^(?!null$)[\w:.+-]+$/i

const textElement = (text: string): string =>
  plain.test(text) ? text : `"${text.replaceAll('\\', String.raw`\\`).replaceAll('"', String.raw`\"`)}"`

/** Outside of the years 0 to 9999 it has a sign, which PostgreSQL does not read. */
const isPlainDate = (date: Date): boolean => date.getUTCFullYear() >= 0 && date.getUTCFullYear() <= 9_999

/** Undefined for what is left to the driver. */
const element = (value: unknown): string | undefined => {
  if (value === null || value === undefined) return 'NULL'
  if (typeof value === 'string') return textElement(value)
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value)
  if (value instanceof Date && isPlainDate(value)) return value.toISOString()
  return undefined
}

/** The array as one text, or itself when it holds what the driver has to write: arrays, bytes, objects. */
export const arrayLiteral = (values: readonly unknown[]): string | readonly unknown[] => {
  const elements: string[] = []
  for (const value of values) {
    const text = element(value)
    if (text === undefined) return values
    elements.push(text)
  }
  return `{${elements.join()}}`
}
