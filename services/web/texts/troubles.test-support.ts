// For tests only: what goes wrong within services, as they say it and as readers of each language see it.
import { clocksDiffer } from '../../../adapters/transport/http.ts'
import { describeError } from '../../../kernel/failure.ts'
import { findFork, forkInLog } from '../../../kernel/fork.ts'
import type { Position } from '../../../kernel/position.ts'
import { Fault, must, refuse } from '../../../kernel/result.ts'
import type { EventBatch } from '../../../kernel/stream.ts'
import { lostEvent } from '../../accounting/verification.ts'
import { remember, newMemory } from '../../operations/rules/memory.ts'

/** What is given, and how it is said. */
export type Case = readonly [given: string, en: string, ru: string]

const [applied, other] = ['0b54b6a6-7f0e-4d0c-9d0c-6a3c9d4f0a11', '5f0c8a52-94a7-4f0b-8a37-0f4d3b9d1c22']
const position: Position = {
  consumer: 'ledger',
  stream: 'task-tracker',
  number: 4_321,
  eventId: applied,
  epoch: 2,
  state: 'running',
  reason: null,
  parkedInRow: 0,
}
const answer = (more: Partial<EventBatch>): EventBatch => ({
  stream: 'task-tracker',
  epoch: 2,
  head: 4_321,
  predecessor: other,
  events: [],
  ...more,
})

/** Why a consumer has stopped. */
export const stops: readonly Case[] = [
  [
    findFork(position, answer({})) ?? '',
    `event #4,321 was applied as ${applied}, and in the producer’s log it is ${other} now`,
    `под №4 321 было применено событие ${applied}, а в журнале отправителя под этим номером теперь ${other}`,
  ],
  [
    forkInLog(position, answer({ epoch: 1 })) ?? '',
    'the producer’s log is of epoch 1, though epoch 2 has been applied',
    'журнал отправителя относится к эпохе 1, хотя уже применена эпоха 2',
  ],
  [
    forkInLog(position, answer({ head: 4_000 })) ?? '',
    'the producer’s log ends at event #4,000, though event #4,321 has been applied',
    'журнал отправителя заканчивается на событии №4 000, хотя уже применено событие №4 321',
  ],
  [
    forkInLog(position, answer({ head: 0 })) ?? '',
    'the producer’s log is empty, though event #4,321 has been applied',
    'журнал отправителя пуст, хотя уже применено событие №4 321',
  ],
  [
    'more than 20 events parked in a row',
    'more than 20 events were set aside in a row',
    'подряд отложено больше 20 событий',
  ],
]

const thrownBy = (work: () => unknown): string => {
  try {
    return String(work())
  } catch (error) {
    return describeError(error)
  }
}
const fault = (message: string, cause?: unknown): string =>
  describeError(new Fault('unavailable', message, cause === undefined ? {} : { cause }))
const boom = new Error('boom, twice')
const nobodySaid = { name: 'identity', state: null, failure: null }

/** Why something failed. */
export const failures: readonly Case[] = [
  [remember(newMemory(0), [nobodySaid], 0).services[0]?.silentReason ?? '', 'no answer', 'ответа нет'],
  [fault('waited until the deadline'), 'no answer came in time', 'ответ не пришёл вовремя'],
  [fault('no time left to begin'), 'no answer came in time', 'ответ не пришёл вовремя'],
  [
    fault('ENOTFOUND', new TypeError('fetch failed', { cause: boom })),
    'no connection can be made: Error: boom, twice',
    'не удаётся подключиться: Error: boom, twice',
  ],
  [fault('ECONNRESET', boom), 'the connection failed: Error: boom, twice', 'сбой соединения: Error: boom, twice'],
  [fault('the service answered 503 unavailable'), 'the answer was 503 unavailable', 'получен ответ 503 unavailable'],
  [
    fault('502, but not from the service', new Error('502, but not from the service')),
    'somebody else answered in its place, with 502',
    'вместо сервиса ответил кто-то другой, код 502',
  ],
  [
    fault('accounting does not publish its contract', new Error('status 500')),
    'the API description of accounting cannot be read: Error: status 500',
    'не удаётся получить описание API сервиса accounting: Error: status 500',
  ],
  [
    fault('accounting did not publish its contract in time'),
    'the API description of accounting did not come in time',
    'описание API сервиса accounting не пришло вовремя',
  ],
  [fault('no address of accounting'), 'the address of accounting is not set', 'адрес сервиса accounting не задан'],
  [
    fault('the circuit breaker is open', new Error('Execution prevented because the circuit breaker is open')),
    'calls are cut off for a while, because too many failed',
    'вызовы временно отключены: они слишком часто не удавались',
  ],
  [
    fault(`the service refuses what this process signs: ${clocksDiffer(-3_600)}`),
    'the clocks of the two machines differ by 3600 s',
    'часы двух машин расходятся на 3600 с',
  ],
  [fault('too many calls in progress'), 'too many calls are under way', 'слишком много вызовов одновременно'],
  [
    thrownBy(() => must(refuse('unauthenticated', { a: 1 }))),
    'the call was refused: unauthenticated',
    'вызов отклонён: unauthenticated',
  ],
  [
    fault('accounting.GetState failed', new Error('boom', { cause: fault('a <- b') })),
    'accounting.GetState failed: Error: boom <- Fault: a <- b',
    'вызов accounting.GetState не удался: Error: boom <- Fault: a <- b',
  ],
  [
    fault('accounting.GetState took too long'),
    'accounting.GetState took too long',
    'операция accounting.GetState заняла слишком много времени',
  ],
  [
    fault('watch.keep: the database does not answer'),
    'the database does not answer, asked by watch.keep',
    'база данных не отвечает на запрос watch.keep',
  ],
  [
    fault(`the answer to the commit of watch.keep was lost: ${describeError(boom)}`, boom),
    'the database’s answer to saving watch.keep was lost: Error: boom, twice',
    'ответ базы данных о сохранении watch.keep потерялся: Error: boom, twice',
  ],
  [
    fault('the broker did not take events', new Fault('unavailable', 'the broker cannot be reached', { cause: boom })),
    'the broker did not take the events: the broker cannot be reached: Error: boom, twice',
    'брокер не принял события: брокер недоступен: Error: boom, twice',
  ],
  [
    fault('the broker did not take a head', new Fault('unavailable', 'the connection to the broker was lost')),
    'the broker did not take the head of the stream: the connection to the broker was lost',
    'брокер не принял последний номер потока: соединение с брокером потеряно',
  ],
  [fault('the broker does not answer'), 'the broker does not answer', 'брокер не отвечает'],
  [
    fault('no JetStream answers: is the broker started with -js?'),
    'JetStream does not answer; perhaps the broker was started without -js',
    'JetStream не отвечает: возможно, брокер запущен без -js',
  ],
  [fault('the bus is closed'), 'the bus is closed', 'шина закрыта'],
]

/** Names of parts of services. */
export const parts: readonly Case[] = [
  ['relay task-tracker', 'publishing the events of task-tracker', 'отправка событий потока task-tracker'],
  ['consumer ledger of task-tracker', 'consumer ledger, stream task-tracker', 'потребитель ledger, поток task-tracker'],
  [
    'job ReassignTasks of task-tracker',
    'job ReassignTasks of task-tracker',
    'работа ReassignTasks сервиса task-tracker',
  ],
  [
    'old keys of identity',
    'deleting old idempotency keys of identity',
    'удаление старых ключей идемпотентности сервиса identity',
  ],
  ['watcher', 'the watcher', 'наблюдатель'],
  ['the watcher', 'the watcher', 'наблюдатель'],
  ['this process', 'the process itself', 'сам процесс'],
  ['guard of the watcher', 'the guard of the watcher', 'надзор за наблюдателем'],
  ['sign of life', 'sending the sign of life', 'отправка сигнала активности'],
  ['acts', 'acts of the operator log', 'выполнение действий оператора'],
  ['forks', 'finding where histories part', 'поиск места, где разошлась история'],
  ['reconciliation', 'reconciliation', 'сверка'],
  ['alerts by webhook', 'sending alerts by webhook', 'отправка тревог через вебхук'],
  ['alerts by mail', 'sending alerts by mail', 'отправка тревог по почте'],
  ['alerts by pager', 'sending alerts by pager', 'отправка тревог через pager'],
  ['old alerts', 'deleting old alerts', 'удаление старых тревог'],
]

/** What a difference is about, on a day of 2026. */
export const differences: readonly Case[] = [
  ['task-tracker #4321', 'Event #4,321 of task-tracker', 'Событие №4 321 потока task-tracker'],
  [
    'popug:12: balance is the sum of its postings',
    'Account of popug #12: the balance is not the sum of its entries',
    'Счёт попуга №12: баланс не равен сумме записей',
  ],
  [
    'company:tasks: balance is the sum of its postings',
    'Account of the company: the balance is not the sum of its entries',
    'Счёт компании: баланс не равен сумме записей',
  ],
  [
    'ledger: all balances sum to zero',
    'The ledger: the balances do not sum to zero',
    'Счета: сумма всех балансов не равна нулю',
  ],
  [
    'popug:12 on 2026-11-30: sum of a day is the sum of its postings',
    'Account of popug #12, Monday 30 November: the sums of the day are not those of its entries',
    'Счёт попуга №12, понедельник, 30 ноября: обороты за день не совпадают с записями за этот день',
  ],
  [
    'company:tasks on 2025-11-30: sum of a day is the sum of its postings',
    'Account of the company, 30 November 2025: the sums of the day are not those of its entries',
    'Счёт компании, 30 ноября 2025 г.: обороты за день не совпадают с записями за этот день',
  ],
  [
    'task-tracker #4321, fee of task 1234: amount is the kept price',
    'Event #4,321 of task-tracker, fee of task #1234: the amount is not the price that was kept',
    'Событие №4 321 потока task-tracker, плата за задачу №1234: сумма не равна сохранённой цене',
  ],
  [
    'task-tracker #77: fees go to the company and rewards to the popug',
    'Event #77 of task-tracker: the entry is between the wrong accounts',
    'Событие №77 потока task-tracker: запись связывает не те счета',
  ],
  [
    'fee of task 5, assignment 2: one fee per assignment and one reward per task',
    'Fee of task #5, assignment 2: there is more than one such entry',
    'Плата за задачу №5, назначение 2: таких записей больше одной',
  ],
  [
    'reward of task 5: one fee per assignment and one reward per task',
    'Reward of task #5: there is more than one such entry',
    'Награда за задачу №5: таких записей больше одной',
  ],
  [
    'task-tracker #77: day is the one open when the event was applied',
    'Event #77 of task-tracker: the entry is for another day than was open when the event was applied',
    'Событие №77 потока task-tracker: запись относится не к тому дню, который был открыт при применении события',
  ],
  [
    'task-tracker #77: postings are of applied events',
    'Event #77 of task-tracker: there is an entry, though the event has not been applied',
    'Событие №77 потока task-tracker: запись есть, хотя событие ещё не применено',
  ],
  [
    `task-tracker #77 of epoch 1, fee of task 5, assignment 2: ${lostEvent}`,
    'Event #77 of task-tracker in epoch 1, fee of task #5, assignment 2: the present history of the stream does not have this event',
    'Событие №77 потока task-tracker, эпоха 1, плата за задачу №5, назначение 2: в нынешней истории потока этого события нет',
  ],
  [
    'task 7: a task is as its events tell',
    'Task #7: the task is not as its events tell',
    'Задача №7: задача не такая, как следует из её событий',
  ],
  [
    'task-tracker #77: an event is of a task',
    'Event #77 of task-tracker: there is no such task, or the event names another one',
    'Событие №77 потока task-tracker: такой задачи нет, или в событии названа другая',
  ],
]
