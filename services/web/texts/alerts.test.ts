// What alerts say: in English as operations said it, in Russian a sentence of its own for each.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type AlertName, alertNames } from '../../operations/alerts/rules/catalog.ts'
import { formatsOf } from '../format.ts'
import { alertText, type ToldAlert } from './alerts.ts'
import { catalogs } from './index.ts'

const { en, ru } = catalogs
const { seconds } = formatsOf('ru', 'UTC', new Date('2026-03-14T12:00:00Z'))
const span = (ms: number): string => seconds(ms / 1_000)
/** Numbers and their units are kept together by spaces of other kinds. */
const plain = (text: string): string => text.replaceAll(/[\u00A0\u202F]/g, ' ')

const alert = (name: string, about: string, details: ToldAlert['details']): ToldAlert => ({
  name,
  about,
  details,
  text: 'As operations said it.',
})
const russian = (told: ToldAlert): readonly string[] => [
  plain(alertText(ru, told, span)),
  ru.operations.alerts.subject(told),
]

const ledger = 'ledger of accounting in task-tracker'
const aboutLedger = 'потребитель ledger сервиса accounting, поток task-tracker'

const cases: readonly (readonly [
  name: AlertName,
  about: string,
  details: NonNullable<ToldAlert['details']>,
  text: string,
  subject: string,
])[] = [
  [
    'EventsUnnumbered',
    'task-tracker',
    { ageMs: 12_000 },
    'Событие сервиса task-tracker записано, но уже 12 с ждёт номера. Без номера о нём никто не узнает.',
    'сервис task-tracker',
  ],
  [
    'EventsUnpublished',
    'identity',
    { ageMs: 45_000 },
    'Событие сервиса identity уже 45 с не доходит до шины. Потребители получат его из журнала, чуть позже.',
    'сервис identity',
  ],
  [
    'EventsUndelivered',
    ledger,
    { after: 4_310, head: 4_321, openMs: 180_000, reason: 'producer unreachable: Error: refused' },
    'Потребитель ledger сервиса accounting уже 3 мин стоит на событии №4 310 потока task-tracker, хотя там есть события до №4 321: отправитель недоступен: Error: refused.',
    aboutLedger,
  ],
  [
    'EventsUndelivered',
    ledger,
    { after: 4_310, head: 4_321, openMs: 180_000, reason: 'a pass has been running for 150 s' },
    'Потребитель ledger сервиса accounting уже 3 мин стоит на событии №4 310 потока task-tracker, хотя там есть события до №4 321: текущий проход длится уже 2,5 мин.',
    aboutLedger,
  ],
  [
    'ProducerSilent',
    'accounting',
    { silentMs: 20_000, reason: null },
    'Сервис accounting не отвечает уже 20 с.',
    'сервис accounting',
  ],
  [
    'ProducerSilent',
    'accounting',
    { silentMs: 20_000, reason: 'Fault: waited until the deadline' },
    'Сервис accounting не отвечает уже 20 с: ответ не пришёл вовремя.',
    'сервис accounting',
  ],
  [
    'ProducerSilent',
    'accounting',
    { silentMs: 5 * 86_400_000, reason: null },
    'Сервис accounting не отвечает уже 5 дн.',
    'сервис accounting',
  ],
  [
    'EventsParked',
    ledger,
    { count: 1, error: 'ZodError: no' },
    'У потребителя ledger сервиса accounting отложено 1 событие потока task-tracker: применить не удалось, нужно решение человека. Ошибка: ZodError: no.',
    aboutLedger,
  ],
  [
    'EventsParked',
    ledger,
    { count: 22, error: null },
    'У потребителя ledger сервиса accounting отложено 22 события потока task-tracker: применить не удалось, нужно решение человека.',
    aboutLedger,
  ],
  [
    'ConsumerLag',
    ledger,
    { number: 4_310, head: 4_321, behindMs: 7_200_000 },
    'Потребитель ledger сервиса accounting отстаёт, хотя и движется: он на событии №4 310 потока task-tracker, а событие №4 321 известно уже 2 ч.',
    aboutLedger,
  ],
  [
    'ConsumerStopped',
    ledger,
    { state: 'paused', number: 80, reason: 'деплой' },
    'Потребитель ledger сервиса accounting стоит на паузе на событии №80 потока task-tracker: деплой.',
    aboutLedger,
  ],
  [
    'ConsumerStopped',
    ledger,
    { state: 'forked', number: 80, reason: null },
    'Потребитель ledger сервиса accounting остановлен на событии №80 потока task-tracker, потому что история разошлась.',
    aboutLedger,
  ],
  [
    'ConsumerStopped',
    ledger,
    { state: 'forked', number: 80, reason: "the producer's log ends at 70, before event 80, which was applied" },
    'Потребитель ledger сервиса accounting остановлен на событии №80 потока task-tracker, потому что история разошлась: журнал отправителя заканчивается на событии №70, хотя уже применено событие №80.',
    aboutLedger,
  ],
  [
    'BreakerOpen',
    'task-tracker to accounting',
    {},
    'Вызовы сервиса accounting из task-tracker отключены: они слишком часто не удавались. Время от времени делается пробный вызов.',
    'вызовы accounting из task-tracker',
  ],
  [
    'ReconciliationDifference',
    'the ledger',
    { count: 21 },
    'Сверка нашла 21 событие, по которому на счетах не то, что следует из журнала.',
    'счета',
  ],
  [
    'ReconciliationDifference',
    'the ledger',
    { count: 5 },
    'Сверка нашла 5 событий, по которым на счетах не то, что следует из журнала.',
    'счета',
  ],
  ['ReconciliationStalled', 'reconciliation', { idleMs: 660_000 }, 'Сверка ничего не сравнивает уже 11 мин.', 'сверка'],
  [
    'LedgerUnbalanced',
    'the ledger',
    {},
    'Счета не сходятся: сумма всех записей не равна нулю, или чей-то баланс не равен сумме своих записей.',
    'счета',
  ],
  [
    'JobStuck',
    'ReassignTasks of task-tracker',
    { id: 5, idleMs: 180_000, reason: 'nobody_assignable' },
    'Работа №5, ReassignTasks сервиса task-tracker, не продвигается уже 3 мин: сейчас некому дать задачу.',
    'работа ReassignTasks сервиса task-tracker',
  ],
  [
    'OldSnapshot',
    'identity',
    { ageMs: 1_200_000 },
    'В базе сервиса identity уже 20 мин открыта транзакция. Из-за неё события отправляются медленнее.',
    'сервис identity',
  ],
  [
    'AlertChannelDown',
    'webhook',
    { failingMs: 120_000, attempts: 9, waiting: 1, error: 'Error: 500' },
    'Через вебхук уже 2 мин не удаётся отправить 1 сообщение: Error: 500.',
    'вебхук',
  ],
  [
    'AlertChannelDown',
    'mail',
    { failingMs: 120_000, attempts: 9, waiting: 3, error: null },
    'По почте уже 2 мин не удаётся отправить 3 сообщения.',
    'почта',
  ],
  [
    'WatcherDead',
    'the watcher',
    { silentMs: 40_000 },
    'Наблюдатель молчит уже 40 с. Пока он не вернётся, других тревог не будет.',
    'наблюдатель',
  ],
]

describe('an alert', () => {
  for (const [name, about, details, text, subject] of cases)
    test(`has a Russian sentence: ${text}`, () => {
      assert.deepEqual(russian(alert(name, about, details)), [text, subject])
    })

  test('of each name has one', () => {
    const seen = new Set<string>(cases.map(([name]) => name))
    assert.deepEqual(
      alertNames.filter((name) => !seen.has(name)),
      [],
    )
  })

  test('is told as it came where it is not known, or an older version said no details of it', () => {
    const unknown = alert('FromTheFuture', 'all of it', { count: 1 })
    assert.deepEqual(russian(unknown), [unknown.text, 'all of it'])
    assert.equal(alertText(ru, alert('ProducerSilent', 'identity', undefined), span), unknown.text)
  })

  test('is told in English as operations said it', () => {
    const told = alert('ConsumerLag', ledger, { number: 1, head: 2, behindMs: 1 })
    assert.deepEqual([alertText(en, told, span), en.operations.alerts.subject(told)], [told.text, ledger])
  })
})
