// What services say in fixed words is said in the reader's, made here as they make it; what programs say stays.
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { describeError } from '../../../kernel/failure.ts'
import { waitingFor } from '../../../kernel/handle.ts'
import { Fault, type Refusal, refuse } from '../../../kernel/result.ts'
import { mustOf } from '../../operations/loops/step.ts'
import {
  comparing,
  doesNotAnswer,
  isForked,
  onlyLate,
  producerSilent,
  roundsBegin,
} from '../../operations/rules/reasons.ts'
import { type Formats, formatsOf } from '../format.ts'
import { differenceText } from './differences.ts'
import type { Texts } from './en.ts'
import { failureText, partText, troubleText } from './failures.ts'
import { catalogs } from './index.ts'
import { jobReasonText, noteText, resultText, stopText, undeliveredText, waitingText } from './notes.ts'
import {
  aboutEvent,
  aboutOwn,
  brokenBuses,
  restraints,
  rulesChecked,
  silences,
  stuckFor,
  troubledParts,
} from './said.test-support.ts'
import { type Case, differences, failures, parts, stops } from './troubles.test-support.ts'

/** The note of an act that such a no has ended. */
const noteOf = (refusal: Refusal): string => {
  try {
    return String(mustOf(refusal))
  } catch (error) {
    return describeError(error)
  }
}

const raw = describeError(new Fault('unavailable', 'accounting: connection refused, twice'))
const event = {
  number: 1,
  eventId: '0b54b6a6-7f0e-4d0c-9d0c-6a3c9d4f0a11',
  type: 'TaskCompleted',
  version: 2,
  about: '1',
  data: {},
  at: '2026-03-14T12:00:00Z',
  requestId: '-',
  actor: null,
}

const formats = {
  en: formatsOf('en', 'UTC', new Date('2026-03-14T12:00:00Z')),
  ru: formatsOf('ru', 'UTC', new Date('2026-03-14T12:00:00Z')),
}
/** Numbers and their units are kept together by spaces of other kinds. */
const plain = (text: string): string => text.replaceAll(/[\u00A0\u202F]/g, ' ')
const cutOff = failures.find(([, en]) => en.startsWith('calls are cut off'))?.[0] ?? ''
const asGiven = (given: string): Case => [given, given, given]

const cases: readonly (readonly [
  what: string,
  say: (texts: Texts, given: string, formats: Formats) => string,
  cases: readonly Case[],
])[] = [
  [
    'an act has ended, or what it waits for',
    noteText,
    [
      [
        noteOf(refuse('not_forked', { state: 'running' })),
        'This consumer goes on with the history it knows: there is nothing to accept.',
        'Этот потребитель продолжает знакомую ему историю: принимать нечего.',
      ],
      [
        noteOf(refuse('consumer_not_found')),
        'This service has no consumer of this name.',
        'У этого сервиса нет потребителя с таким именем.',
      ],
      [
        noteOf(refuse('parts_elsewhere', { after: 7 })),
        'The two histories part elsewhere: they agree up to #7. Look at the consumer again and decide anew.',
        'Истории расходятся не там: они совпадают до №7. Посмотрите на потребителя ещё раз и решите заново.',
      ],
      [
        'Refused: parts_elsewhere {"after":',
        'The two histories part elsewhere. Look at the consumer again and decide anew.',
        'Истории расходятся не там. Посмотрите на потребителя ещё раз и решите заново.',
      ],
      [roundsBegin, 'The comparisons begin.', 'Сверка начинается.'],
      [comparing([]), 'The comparisons begin.', 'Сверка начинается.'],
      [
        comparing(['log-ledger', 'tasks-log']),
        'Still comparing: Event log and ledger, Tasks and event log',
        'Ещё сверяется: Журнал событий и счета, Задачи и журнал событий',
      ],
      [
        comparing([doesNotAnswer('accounting'), 'ledger', raw]),
        `Still comparing: accounting does not answer, The ledger in itself, ${raw}`,
        `Ещё сверяется: сервис accounting не отвечает, Счета между собой, ${raw}`,
      ],
      ...[raw, noteOf(refuse('from_the_future')), noteOf(refuse('toString')), 'Refused: ', ''].map(asGiven),
      [
        cutOff,
        'Calls are cut off for a while, because too many failed',
        'Вызовы временно отключены: они слишком часто не удавались',
      ],
    ],
  ],
  [
    'a comparison waits',
    waitingText,
    [
      [doesNotAnswer('task-tracker'), 'task-tracker does not answer', 'сервис task-tracker не отвечает'],
      [isForked('ledger'), 'ledger is forked', 'потребитель ledger остановлен: история разошлась'],
      [
        cutOff,
        'calls are cut off for a while, because too many failed',
        'вызовы временно отключены: они слишком часто не удавались',
      ],
      asGiven(raw),
    ],
  ],
  [
    'events have not arrived',
    (texts, given, { seconds }) => undeliveredText(texts, given, seconds),
    [
      [onlyLate, 'late', 'задерживаются'],
      [producerSilent('down'), 'the producer does not answer: down', 'отправитель не отвечает: down'],
      [`producer unreachable: ${raw}`, `the producer cannot be reached: ${raw}`, `отправитель недоступен: ${raw}`],
      [
        waitingFor(event),
        'waiting for a version that knows TaskCompleted 2',
        'нужна версия, которая знает событие TaskCompleted версии 2',
      ],
      [
        producerSilent(cutOff),
        'the producer does not answer: calls are cut off for a while, because too many failed',
        'отправитель не отвечает: вызовы временно отключены: они слишком часто не удавались',
      ],
      [
        `producer unreachable: ${cutOff}`,
        'the producer cannot be reached: calls are cut off for a while, because too many failed',
        'отправитель недоступен: вызовы временно отключены: они слишком часто не удавались',
      ],
      [
        cutOff,
        'calls are cut off for a while, because too many failed',
        'вызовы временно отключены: они слишком часто не удавались',
      ],
      ...stops,
      asGiven(raw),
    ],
  ],
  [
    'a job waits',
    jobReasonText,
    [
      ['nobody_assignable', 'there is nobody to be given a task now', 'сейчас некому дать задачу'],
      [
        cutOff,
        'calls are cut off for a while, because too many failed',
        'вызовы временно отключены: они слишком часто не удавались',
      ],
      asGiven('constructor'),
      asGiven('deadlock detected'),
    ],
  ],
  ['a consumer has stopped', stopText, [...stops, ...['деплой', 'event 12 has another id', ''].map(asGiven)]],
  [
    'something failed',
    failureText,
    [...failures, ...[raw, 'error: deadlock detected', 'Fault: toString', 'Fault: 42', ''].map(asGiven)],
  ],
  [
    'a part of a service does not go on',
    (texts, given, { seconds }) => troubleText(texts, given, seconds),
    [
      [await stuckFor(20_000), 'the present pass has been under way for 20 secs', 'текущий проход длится уже 20 с'],
      [await stuckFor(900_000), 'the present pass has been under way for 15 mins', 'текущий проход длится уже 15 мин'],
      ['no round for 40 s', 'no round for 40 secs', 'обходов не видно уже 40 с'],
      [
        'no round for 40 s: the circuit breaker is open',
        'no round for 40 secs: calls are cut off for a while, because too many failed',
        'обходов не видно уже 40 с: вызовы временно отключены: они слишком часто не удавались',
      ],
      ['no round for 40 s: boom', 'no round for 40 secs: boom', 'обходов не видно уже 40 с: boom'],
      ['it is about to stop', 'it is about to stop', 'он скоро остановится'],
      ...failures,
      asGiven(raw),
    ],
  ],
  ['a part is called so', partText, [...parts, ...['relay', 'old keys of', 'constructor'].map(asGiven)]],
  [
    'two sides differ',
    (texts, given, { day }) => differenceText(texts, given, day),
    [
      ...differences,
      ...[
        'event 4200',
        'popug:x: balance is the sum of its postings',
        'popug:12: toString',
        'popug:12 on monday: sum of a day is the sum of its postings',
        'task-tracker #77, fee of nothing: amount is the kept price',
        '',
      ].map(asGiven),
    ],
  ],
]

for (const [what, say, given] of cases) {
  describe(`why ${what}`, () => {
    for (const [said, en, ru] of given) {
      test(`is said in the reader's words: ${said}`, () => {
        const [english, russian] = [say(catalogs.en, said, formats.en), say(catalogs.ru, said, formats.ru)].map(plain)
        assert.deepEqual([english, russian], [en, ru])
      })
    }
  })
}

test('what came of an act is said in the words of the catalog, and otherwise in those of the newer version', () => {
  assert.equal(resultText(catalogs.ru, 'still_parked'), 'по-прежнему отложено')
  assert.equal(resultText(catalogs.ru, 'sent_to_mars'), 'sent to mars')
})

describe('what services say themselves has words:', () => {
  const both = (given: string) => [failureText(catalogs.en, given), failureText(catalogs.ru, given)]
  const refused = /Error ECONNREFUSED: connect ECONNREFUSED 127\.0\.0\.1:\d+$/

  test('why one that is asked over HTTP is silent', async () => {
    const said = await silences()
    const russian = Object.entries(said).map(([name, given]) => [name, failureText(catalogs.ru, given)])
    const { gone = '', ...others } = Object.fromEntries(russian)
    assert.match(gone, /^не удаётся подключиться: /)
    assert.match(gone, refused)
    assert.deepEqual(others, {
      late: 'ответ не пришёл вовремя',
      cut: 'сбой соединения: SocketError UND_ERR_SOCKET: other side closed',
      unwell: 'получен ответ 503 unavailable',
      somebodyElse: 'вместо сервиса ответил кто-то другой, код 502',
      refused: 'вызов отклонён: unauthenticated',
      withoutContract: 'не удаётся получить описание API сервиса accounting: Error: status 500',
      contractLate: 'описание API сервиса accounting не пришло вовремя',
      cutOff: 'вызовы временно отключены: они слишком часто не удавались',
      nowhere: 'адрес сервиса accounting не задан',
      notHere: 'адрес сервиса accounting не задан',
    })
  })

  test('why a call is not even tried', async () => {
    const { tooMany, waited, late } = await restraints()
    assert.match(failureText(catalogs.ru, tooMany), /^слишком много вызовов одновременно: /)
    assert.deepEqual(both(waited), both(late))
    assert.equal(failureText(catalogs.ru, late), 'ответ не пришёл вовремя')
  })

  test('why events cannot be published', async () => {
    const { noBroker, noBrokerForHeads, closed } = await brokenBuses()
    assert.match(failureText(catalogs.ru, noBroker), /^брокер не принял события: брокер недоступен: \w+/)
    assert.match(failureText(catalogs.ru, noBrokerForHeads), /^брокер недоступен: \w+/)
    assert.equal(failureText(catalogs.ru, closed), 'шина закрыта')
  })

  test('each part of each service, and what comes of a call when nothing works', async () => {
    const said = await troubledParts()
    const known = said.parts.map((part) => partText(catalogs.ru, part))
    assert.equal(known.length, 22)
    for (const part of known) assert.match(part, /^[а-я]/)
    assert.equal(failureText(catalogs.ru, said.called), 'вызов accounting.GetState не удался: Error: out of order')
  })

  test('each rule that a service checks in its tables, and no other has', async () => {
    const rules = await rulesChecked()
    assert.deepEqual(rules.toSorted(), Object.keys(catalogs.ru.operations.troubles.checks).toSorted())
  })

  test('what a difference is about', async () => {
    const given = differences.map(([about]) => about)
    assert.ok(given.includes(await aboutEvent(4_321)))
    assert.ok(given.includes(await aboutOwn('ledger', 'all balances sum to zero')))
  })
})
