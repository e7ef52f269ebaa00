// Money, moments and days as a reader of one language in the business time zone sees them.
import type { Language } from './texts/index.ts'

/** English dates are day first; dollars are written as in the United States. */
const dateLocales: Readonly<Record<Language, string>> = { en: 'en-GB', ru: 'ru-RU' }
const moneyLocales: Readonly<Record<Language, string>> = { en: 'en-US', ru: 'ru-RU' }

export interface Formats {
  readonly timeZone: string
  /** An amount in dollars with a sign only below zero. */
  readonly money: (cents: number) => string
  /** An amount in dollars with its sign, plus or minus. */
  readonly signedMoney: (cents: number) => string
  /** An amount in dollars without cents where there are none, for scales. */
  readonly roundMoney: (cents: number) => string
  readonly number: (value: number) => string
  /** Hour and minute. */
  readonly time: (iso: string) => string
  /** Day and time; the year only when it is not this one. */
  readonly moment: (iso: string) => string
  /** Day, time and zone in full. */
  readonly fullMoment: (iso: string) => string
  /** A calendar day (`2026-01-31`) with its day of the week. */
  readonly day: (day: string) => string
  /** A calendar day in few letters. */
  readonly shortDay: (day: string) => string
  /** The calendar day of a moment in the business time zone. */
  readonly dayOf: (moment: Date) => string
  /** So many seconds, in seconds, minutes, hours or days. */
  readonly seconds: (seconds: number) => string
  /** How long it took, in seconds or minutes. */
  readonly span: (fromIso: string, toIso: string) => string
}

const made = new Map<string, Formats>()
const years = new Map<string, Intl.DateTimeFormat>()

const yearIn = (timeZone: string): Intl.DateTimeFormat => {
  const known = years.get(timeZone) ?? new Intl.DateTimeFormat('en', { year: 'numeric', timeZone })
  years.set(timeZone, known)
  return known
}

/** Formats are dear to make and are made once for each language and zone. */
export const formatsOf = (language: Language, timeZone: string, now: Date): Formats => {
  const year = yearIn(timeZone).format(now)
  const name = `${language} ${timeZone} ${year}`
  let formats = made.get(name)
  if (!formats) {
    if (made.size > 20) made.clear()
    made.set(name, (formats = make(language, timeZone, year)))
  }
  return formats
}

const make = (language: Language, timeZone: string, thisYear: string): Formats => {
  const locale = dateLocales[language]
  const dates = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, { timeZone, ...options })
  const dollars = (signDisplay: 'auto' | 'exceptZero', trailingZeroDisplay: 'auto' | 'stripIfInteger' = 'auto') =>
    new Intl.NumberFormat(moneyLocales[language], {
      trailingZeroDisplay,
      style: 'currency',
      currency: 'USD',
      currencyDisplay: 'narrowSymbol',
      signDisplay,
    })
  const [plain, signed, digits] = [dollars('auto'), dollars('exceptZero'), new Intl.NumberFormat(locale)]
  const round = dollars('auto', 'stripIfInteger')
  const year = yearIn(timeZone)
  const time = dates({ hour: '2-digit', minute: '2-digit' })
  const recent = dates({ day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' })
  const older = dates({ day: 'numeric', month: 'short', year: 'numeric' })
  const full = dates({ dateStyle: 'long', timeStyle: 'long' })
  const day = new Intl.DateTimeFormat(locale, { timeZone: 'UTC', weekday: 'long', day: 'numeric', month: 'long' })
  const dayOfYear = new Intl.DateTimeFormat(locale, { timeZone: 'UTC', day: 'numeric', month: 'long', year: 'numeric' })
  const short = new Intl.DateTimeFormat(locale, { timeZone: 'UTC', day: 'numeric', month: 'short' })
  const isoDay = new Intl.DateTimeFormat('en-CA', { timeZone, year: 'numeric', month: '2-digit', day: '2-digit' })
  const units = (unit: 'second' | 'minute' | 'hour' | 'day') =>
    new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 1 })
  const [seconds, minutes, hours, days] = [units('second'), units('minute'), units('hour'), units('day')]
  const lasting = (value: number): string => {
    if (value < 90) return seconds.format(value)
    if (value < 90 * 60) return minutes.format(value / 60)
    return value < 36 * 3_600 ? hours.format(value / 3_600) : days.format(value / 86_400)
  }
  return {
    timeZone,
    money: (cents) => withMinus(plain.format(decimal(cents))),
    signedMoney: (cents) => withMinus(signed.format(decimal(cents))),
    roundMoney: (cents) => withMinus(round.format(decimal(cents))),
    number: (value) => digits.format(value),
    time: (iso) => time.format(new Date(iso)),
    moment: (iso) => (year.format(new Date(iso)) === thisYear ? recent : older).format(new Date(iso)),
    fullMoment: (iso) => full.format(new Date(iso)),
    day: (isoOfDay) => (isoOfDay.startsWith(thisYear) ? day : dayOfYear).format(new Date(`${isoOfDay}T00:00:00Z`)),
    shortDay: (isoOfDay) => short.format(new Date(`${isoOfDay}T00:00:00Z`)),
    dayOf: (moment) => isoDay.format(moment),
    seconds: lasting,
    span: (from, to) => lasting(Math.max(0.1, (Date.parse(to) - Date.parse(from)) / 1000)),
  }
}

/** A true minus sign is as wide as a plus, and is not read as a hyphen. */
const withMinus = (text: string): string => text.replace('-', '−')

/** Whole cents as an exact decimal text, because a division would make them a floating-point number. */
const decimal = (cents: number): Intl.StringNumericLiteral => {
  const digits = String(Math.abs(cents)).padStart(3, '0')
  return `${cents < 0 ? '-' : ''}${digits.slice(0, -2)}.${digits.slice(-2)}` as Intl.StringNumericLiteral
}
