// How fixed words of services are recognised, and the words for them found in a catalog.
import type { Texts } from './en.ts'

/** A form of what is said, and its words; null when it is none of these after all. */
export type Saying = readonly [form: RegExp, say: (texts: Texts, ...parts: string[]) => string | null]

/** The words for what was given; null when it is of none of these forms. */
export const wordsFor = (sayings: readonly Saying[], texts: Texts, given: string): string | null => {
  for (const [form, say] of sayings) {
    const found = form.exec(given)
    if (found) return say(texts, ...found.slice(1))
  }
  return null
}

/** The same; what is of none of these forms stays as it was given. */
export const inWords = (sayings: readonly Saying[], texts: Texts, given: string): string =>
  wordsFor(sayings, texts, given) ?? given

type Text = string | ((...parts: never[]) => string)

/** Sayings for a part of the catalog: each form has a text there, which is given what the form holds. */
export const sayingsOf = <Words extends Readonly<Record<keyof Words, Text>>>(
  wordsIn: (texts: Texts) => Words,
  forms: readonly (readonly [form: RegExp, text: keyof Words])[],
): readonly Saying[] =>
  forms.map(([form, name]) => [
    form,
    (texts, ...parts) => {
      const text: Text = wordsIn(texts)[name]
      return typeof text === 'string' ? text : (text as (...given: string[]) => string)(...parts)
    },
  ])

/** The text for a code; null when there is none. */
export const textOf = (texts: Readonly<Record<string, string>>, code: string): string | null =>
  Object.hasOwn(texts, code) ? (texts[code] ?? null) : null

/** As it begins a line. */
export const capitalized = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`

/** What a program said at the end of what was given, where that stands at the end of the words for it, too. */
export const programsWords = (given: string, said: string): string => {
  for (const { 0: mark, index } of given.matchAll(/ <- |: /g)) {
    const end = given.slice(index + mark.length)
    if (said.endsWith(`: ${end}`)) return end
  }
  return ''
}
