// Русские тексты о неполадках внутри сервисов: почему не получилось, в какой части, почему остановлен потребитель и о чём
// расхождение, которое нашла сверка.
import type { troubles as en } from './en-troubles.ts'
import { pluralizer } from './plural.ts'
import { number } from './ru-alerts.ts'

const counted = pluralizer('ru')
const ways: Readonly<Record<string, string>> = { webhook: 'через вебхук', mail: 'по почте' }

export const troubles: typeof en = {
  failures: {
    noAnswer: 'ответа нет',
    late: 'ответ не пришёл вовремя',
    unreachable: 'не удаётся подключиться',
    broken: 'сбой соединения',
    answered: (status, code) => `получен ответ ${status} ${code}`,
    somebodyElse: (status) => `вместо сервиса ответил кто-то другой, код ${status}`,
    noContract: (service) => `не удаётся получить описание API сервиса ${service}`,
    contractLate: (service) => `описание API сервиса ${service} не пришло вовремя`,
    noAddress: (service) => `адрес сервиса ${service} не задан`,
    cutOff: 'вызовы временно отключены: они слишком часто не удавались',
    clocksDiffer: (seconds) => `часы двух машин расходятся на ${seconds} с`,
    tooMany: 'слишком много вызовов одновременно',
    refused: (code) => `вызов отклонён: ${code}`,
    failed: (name) => `вызов ${name} не удался`,
    tooLong: (name) => `операция ${name} заняла слишком много времени`,
    databaseSilent: (name) => `база данных не отвечает на запрос ${name}`,
    commitLost: (name, why) => `ответ базы данных о сохранении ${name} потерялся: ${why}`,
    brokerTookNone: 'брокер не принял события',
    brokerTookNoHead: 'брокер не принял последний номер потока',
    brokerUnreachable: 'брокер недоступен',
    brokerSilent: 'брокер не отвечает',
    brokerLost: 'соединение с брокером потеряно',
    noJetStream: 'JetStream не отвечает: возможно, брокер запущен без -js',
    busClosed: 'шина закрыта',
  },
  stuck: (span) => `текущий проход длится уже ${span}`,
  noRound: (span) => `обходов не видно уже ${span}`,
  stopping: 'он скоро остановится',

  parts: {
    relay: (stream) => `отправка событий потока ${stream}`,
    consumer: (name, stream) => `потребитель ${name}, поток ${stream}`,
    job: (name, service) => `работа ${name} сервиса ${service}`,
    oldKeys: (service) => `удаление старых ключей идемпотентности сервиса ${service}`,
    watcher: 'наблюдатель',
    thisProcess: 'сам процесс',
    guard: 'надзор за наблюдателем',
    signOfLife: 'отправка сигнала активности',
    acts: 'выполнение действий оператора',
    forks: 'поиск места, где разошлась история',
    reconciliation: 'сверка',
    alerts: (channel) => `отправка тревог ${ways[channel] ?? `через ${channel}`}`,
    oldAlerts: 'удаление старых тревог',
  },

  stops: {
    otherEvent: (at, was, now) =>
      `под ${number(at)} было применено событие ${was}, а в журнале отправителя под этим номером теперь ${now}`,
    olderEpoch: (theirs, applied) =>
      `журнал отправителя относится к эпохе ${theirs}, хотя уже применена эпоха ${applied}`,
    emptyLog: (applied) => `журнал отправителя пуст, хотя уже применено событие ${number(applied)}`,
    shorterLog: (head, applied) =>
      `журнал отправителя заканчивается на событии ${number(head)}, хотя уже применено событие ${number(applied)}`,
    parkedInRow: (count) => `подряд отложено больше ${counted(Number(count), { one: 'события', other: 'событий' })}`,
  },

  places: {
    ledger: 'счета',
    companyAccount: 'счёт компании',
    popugAccount: (popugId) => `счёт попуга №${popugId}`,
    task: (taskId) => `задача №${taskId}`,
    event: (stream, at) => `событие ${number(at)} потока ${stream}`,
    eventOfEpoch: (stream, at, epoch) => `событие ${number(at)} потока ${stream}, эпоха ${epoch}`,
    fee: (taskId) => `плата за задачу №${taskId}`,
    reward: (taskId) => `награда за задачу №${taskId}`,
    feeOfAssignment: (taskId, assignment) => `плата за задачу №${taskId}, назначение ${assignment}`,
  },

  checks: {
    'balance is the sum of its postings': 'баланс не равен сумме записей',
    'all balances sum to zero': 'сумма всех балансов не равна нулю',
    'sum of a day is the sum of its postings': 'обороты за день не совпадают с записями за этот день',
    'amount is the kept price': 'сумма не равна сохранённой цене',
    'fees go to the company and rewards to the popug': 'запись связывает не те счета',
    'one fee per assignment and one reward per task': 'таких записей больше одной',
    'day is the one open when the event was applied':
      'запись относится не к тому дню, который был открыт при применении события',
    'postings are of applied events': 'запись есть, хотя событие ещё не применено',
    'the event is in the history of its stream': 'в нынешней истории потока этого события нет',
    'a task is as its events tell': 'задача не такая, как следует из её событий',
    'an event is of a task': 'такой задачи нет, или в событии названа другая',
  },
}
