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
import type { Texts } from './en.ts'
import { catalogs } from './index.ts'
import { jobReasonText, noteText, resultText, undeliveredText, waitingText } from './notes.ts'

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

type Case = readonly [given: string, en: string, ru: string]

const cases: readonly (readonly [
  what: string,
  say: (texts: Texts, given: string) => string,
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
      ...[raw, noteOf(refuse('from_the_future')), noteOf(refuse('toString')), 'Refused: ', ''].map((one): Case => [
        one,
        one,
        one,
      ]),
    ],
  ],
  [
    'a comparison waits',
    waitingText,
    [
      [doesNotAnswer('task-tracker'), 'task-tracker does not answer', 'сервис task-tracker не отвечает'],
      [isForked('ledger'), 'ledger is forked', 'потребитель ledger остановлен: история разошлась'],
      [raw, raw, raw],
    ],
  ],
  [
    'events have not arrived',
    undeliveredText,
    [
      [onlyLate, 'late', 'задерживаются'],
      [producerSilent('down'), 'the producer does not answer: down', 'отправитель не отвечает: down'],
      [`producer unreachable: ${raw}`, `the producer cannot be reached: ${raw}`, `отправитель недоступен: ${raw}`],
      [
        waitingFor(event),
        'waiting for a version that knows TaskCompleted 2',
        'нужна версия, которая знает событие TaskCompleted версии 2',
      ],
      [raw, raw, raw],
    ],
  ],
  [
    'a job waits',
    jobReasonText,
    [
      ['nobody_assignable', 'there is nobody to be given a task now', 'сейчас некому дать задачу'],
      ['constructor', 'constructor', 'constructor'],
    ],
  ],
]

for (const [what, say, given] of cases) {
  describe(`why ${what}`, () => {
    for (const [said, en, ru] of given) {
      test(`is said in the reader's words: ${said}`, () => {
        assert.deepEqual([say(catalogs.en, said), say(catalogs.ru, said)], [en, ru])
      })
    }
  })
}

test('what came of an act is said in the words of the catalog, and otherwise in those of the newer version', () => {
  assert.equal(resultText(catalogs.ru, 'still_parked'), 'по-прежнему отложено')
  assert.equal(resultText(catalogs.ru, 'sent_to_mars'), 'sent to mars')
})
