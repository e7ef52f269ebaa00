// The catalogs by language, and how a reader's language is found.
import { en, type Texts } from './en.ts'
import { ru } from './ru.ts'

export type { Texts } from './en.ts'
export type Language = 'en' | 'ru'

export const catalogs: Readonly<Record<Language, Texts>> = { en, ru }
export const languages = Object.keys(catalogs) as readonly Language[]

export const isLanguage = (value: unknown): value is Language => languages.includes(value as Language)

/** The first language of an Accept-Language header that has a catalog, by the reader's preference; English otherwise. */
export const preferredLanguage = (acceptLanguage: string | undefined): Language => {
  const wanted = (acceptLanguage ?? '')
    .slice(0, 500)
    .split(',')
    .map((part) => {
      const [tag = '', ...parameters] = part.trim().toLowerCase().split(';')
      const quality = parameters
        .find((parameter) => parameter.trim().startsWith('q='))
        ?.trim()
        .slice(2)
      return { language: tag.split('-')[0], quality: quality === undefined ? 1 : Number(quality) || 0 }
    })
    .filter(({ quality }) => quality > 0)
    .toSorted((a, b) => b.quality - a.quality)
  return wanted.map(({ language }) => language).find(isLanguage) ?? 'en'
}
