// What is wrong, in Russian: a sentence for each alert, made of what it is about and of its details.
import type { AlertSentence, Span, ToldAlert } from './alerts.ts'
import { pluralizer } from './plural.ts'

const counted = pluralizer('ru')

type Detail = NonNullable<ToldAlert['details']>[string] | undefined

/** What a sentence is made of. */
interface Facts {
  readonly about: string
  readonly details: Readonly<Record<string, Detail>>
  /** A duration of the details. */
  readonly span: (ms: Detail) => string
}

export const number = (value: Detail): string => `№${Number(value).toLocaleString('ru')}`
const because = (reason: Detail): string => ((reason ?? '') === '' ? '' : `: ${reason}`)

/** Abbreviated units and errors may bring a full stop of their own. */
const ended = (text: string): string => (text.endsWith('.') ? text : `${text}.`)

/** A consumer, the service that it belongs to, and the stream that it reads. */
const consumerIn = (about: string) => {
  const [, consumer = about, service, stream] = /^(\S+) of (\S+) in (\S+)$/.exec(about) ?? []
  return {
    /** In the genitive and the nominative alike. */
    name: service === undefined ? consumer : `${consumer} сервиса ${service}`,
    ofStream: stream === undefined ? '' : ` потока ${stream}`,
    inStream: stream === undefined ? '' : `, поток ${stream}`,
  }
}

const channels: Readonly<Record<string, { readonly name: string; readonly by: string }>> = {
  webhook: { name: 'вебхук', by: 'Через вебхук' },
  mail: { name: 'почта', by: 'По почте' },
}

const sentences: Readonly<Record<string, (facts: Facts) => string>> = {
  EventsUnnumbered: ({ about, details, span }) =>
    `Событие сервиса ${about} записано, но уже ${span(details['ageMs'])} ждёт номера. Без номера о нём никто не узнает`,
  EventsUnpublished: ({ about, details, span }) =>
    `Событие сервиса ${about} уже ${span(details['ageMs'])} не доходит до шины. Потребители получат его из журнала, чуть позже`,
  EventsUndelivered: ({ about, details, span }) => {
    const { name, ofStream } = consumerIn(about)
    const { after, head, openMs, reason } = details
    return `Потребитель ${name} уже ${span(openMs)} стоит на событии ${number(after)}${ofStream}, хотя там есть события до ${number(head)}${because(reason)}`
  },
  ProducerSilent: ({ about, details, span }) =>
    `Сервис ${about} не отвечает уже ${span(details['silentMs'])}${because(details['reason'])}`,
  EventsParked: ({ about, details }) => {
    const { name, ofStream } = consumerIn(about)
    const events = counted(Number(details['count']), {
      one: 'событие',
      few: 'события',
      many: 'событий',
      other: 'события',
    })
    const error = (details['error'] ?? '') === '' ? '' : `. Ошибка: ${details['error']}`
    return `У потребителя ${name} отложено ${events}${ofStream}: применить не удалось, нужно решение человека${error}`
  },
  ConsumerLag: ({ about, details, span }) => {
    const { name, ofStream } = consumerIn(about)
    const { number: at, head, behindMs } = details
    return `Потребитель ${name} отстаёт, хотя и движется: он на событии ${number(at)}${ofStream}, а событие ${number(head)} известно уже ${span(behindMs)}`
  },
  ConsumerStopped: ({ about, details }) => {
    const { name, ofStream } = consumerIn(about)
    const { state, number: at, reason } = details
    const place = `на событии ${number(at)}${ofStream}`
    return state === 'forked'
      ? `Потребитель ${name} остановлен ${place}, потому что история разошлась${because(reason)}`
      : `Потребитель ${name} стоит на паузе ${place}${because(reason)}`
  },
  BreakerOpen: ({ about }) => {
    const [, service, called] = /^(\S+) to (\S+)$/.exec(about) ?? []
    const calls = called === undefined ? `Вызовы ${about}` : `Вызовы сервиса ${called} из ${service}`
    return `${calls} отключены: они слишком часто не удавались. Время от времени делается пробный вызов`
  },
  ReconciliationDifference: ({ details }) => {
    const events = counted(Number(details['count']), {
      one: 'событие, по которому',
      few: 'события, по которым',
      many: 'событий, по которым',
      other: 'события, по которым',
    })
    return `Сверка нашла ${events} на счетах не то, что следует из журнала`
  },
  ReconciliationStalled: ({ details, span }) => `Сверка ничего не сравнивает уже ${span(details['idleMs'])}`,
  LedgerUnbalanced: () =>
    'Счета не сходятся: сумма всех записей не равна нулю, или чей-то баланс не равен сумме своих записей',
  JobStuck: ({ about, details, span }) => {
    const { id, idleMs, reason } = details
    return `Работа ${number(id)}, ${jobIn(about)}, не продвигается уже ${span(idleMs)}${because(reason)}`
  },
  OldSnapshot: ({ about, details, span }) =>
    `В базе сервиса ${about} уже ${span(details['ageMs'])} открыта транзакция. Из-за неё события отправляются медленнее`,
  AlertChannelDown: ({ about, details, span }) => {
    const { failingMs, waiting, error } = details
    const messages = counted(Number(waiting), {
      one: 'сообщение',
      few: 'сообщения',
      many: 'сообщений',
      other: 'сообщения',
    })
    return `${channels[about]?.by ?? `Через ${about}`} уже ${span(failingMs)} не удаётся отправить ${messages}${because(error)}`
  },
  WatcherDead: ({ details, span }) =>
    `Наблюдатель молчит уже ${span(details['silentMs'])}. Пока он не вернётся, других тревог не будет`,
}

const jobIn = (about: string): string => about.replace(/^(\S+) of (\S+)$/, '$1 сервиса $2')

export const sentence: AlertSentence = ({ name, about, details, text }, span: Span) => {
  const say = sentences[name]
  if (!say || details === undefined) return text
  return ended(say({ about, details, span: (ms) => span(Number(ms)) }))
}

const serviceAbout = (about: string): string => `сервис ${about}`
const consumerAbout = (about: string): string => {
  const { name, inStream } = consumerIn(about)
  return `потребитель ${name}${inStream}`
}

const subjects: Readonly<Record<string, (about: string) => string>> = {
  EventsUnnumbered: serviceAbout,
  EventsUnpublished: serviceAbout,
  ProducerSilent: serviceAbout,
  OldSnapshot: serviceAbout,
  EventsUndelivered: consumerAbout,
  EventsParked: consumerAbout,
  ConsumerLag: consumerAbout,
  ConsumerStopped: consumerAbout,
  BreakerOpen: (about) => about.replace(/^(\S+) to (\S+)$/, 'вызовы $2 из $1'),
  ReconciliationDifference: () => 'счета',
  ReconciliationStalled: () => 'сверка',
  LedgerUnbalanced: () => 'счета',
  JobStuck: (about) => `работа ${jobIn(about)}`,
  AlertChannelDown: (about) => channels[about]?.name ?? about,
  WatcherDead: () => 'наблюдатель',
}

/** What the alert is about. */
export const subject = ({ name, about }: Pick<ToldAlert, 'name' | 'about'>): string => subjects[name]?.(about) ?? about
