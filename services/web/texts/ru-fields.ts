// Что значат поля публичных методов, по словам контрактов. Имена полей и значения остаются как есть.

export const fields: Readonly<Record<string, string>> = {
  // Общее.
  'number of a person': 'номер человека',
  'number of a task': 'номер задачи',
  'number of an event': 'номер события',
  'number of an event; 0 is before the first': 'номер события; 0 — до первого',
  'whole cents': 'в целых центах',
  milliseconds: 'в миллисекундах',
  'UTC, ISO 8601': 'время в UTC по ISO 8601',
  'day in the business time zone': 'день в часовом поясе компании',
  'from `next` of the page before': 'значение `next` с предыдущей страницы',
  'give it as `after` for the next page; null on the last':
    'передайте как `after`, чтобы получить следующую страницу; на последней — null',
  'name of a service': 'имя сервиса',
  'name of a stream: of the service that says it': 'имя потока: то же, что у сервиса-отправителя',
  'name of a consumer': 'имя потребителя',

  // Люди.
  'shown once; put into the invitation link': 'показывается один раз; входит в ссылку-приглашение',
  'of one person': 'только об этом человеке',
  'whom it is about; null when nobody has that e-mail address': 'о ком запись; null, если такой почты ни у кого нет',
  'who did it, when it was not the person': 'кто это сделал, если не сам человек',
  'null when it was the person, or an actor who is not known':
    'null, если это сделал сам человек или кто-то неизвестный',
  'where the request came from; empty when it is not known': 'откуда пришёл запрос; пусто, если неизвестно',

  // Задачи.
  'the assignee': 'исполнитель',
  'false: the assignee was disabled; the next AssignTasks draws anew':
    'false: исполнитель отключён; при следующем перераспределении выберут другого',
  'false: disabled, a manager or an admin by now; the next AssignTasks draws anew. An older version leaves it out':
    'false: исполнитель отключён либо теперь менеджер или администратор; при следующем перераспределении выберут другого. Более старая версия не передаёт это поле',
  'number of the assignment, from 1': 'номер назначения, начиная с 1',
  'number of the assignment, from 1; null for the completion': 'номер назначения, начиная с 1; у выполнения — null',
  'part of the description; fewer than three characters are ignored':
    'часть описания; текст короче трёх символов не учитывается',
  'by creation, or by completion, the latest first, which leaves open tasks out':
    'по созданию или по выполнению, начиная с последних; по выполнению — без открытых задач',
  'number of a reassignment': 'номер перераспределения',
  'why it waits': 'почему ждёт',
  'estimate of open tasks at the start': 'сколько примерно открытых задач было в начале',
  'tasks looked at': 'сколько задач просмотрено',
  'tasks drawn anew': 'сколько задач назначено заново',
  'tasks completed meanwhile': 'сколько задач тем временем выполнено',
  'null until the task tracker has heard of the person': 'null, пока трекер задач не знает об этом человеке',
  'false: there are more than openTasks. Only an older version stops counting':
    'false: их больше, чем openTasks. Только более старая версия считает не до конца',
  'popugs who can be drawn': 'сколько попугов в жребии',
  'false: there are more than assignable. Only an older version stops counting, or leaves it out':
    'false: их больше, чем assignable. Только более старая версия считает не до конца или не передаёт это поле',
  'open tasks of people who can no longer be given any; at most 1,000 are counted':
    'сколько открытых задач у тех, кому их больше не дают; считается не больше 1000',
  'who got or completed the task': 'кому досталась задача или кто её выполнил',
  'who made it happen: created, reassigned or completed': 'кто это сделал: создал, перераспределил или выполнил',
  "number of its event in the task tracker's log; null until it has one":
    'номер события в журнале трекера задач; null, пока номера нет',
  'the request that began it, as logs and traces say it':
    'запрос, с которого всё началось: так он назван в логах и трассировках',
  "number of the last event in the task tracker's log": 'номер последнего события в журнале трекера задач',
  'false: there are more, or more events since then than are looked at, 10,000':
    'false: это не всё либо событий с тех пор больше, чем просматривается, то есть больше 10 000',
  'false: there are more than `most`, which is what is counted': 'false: их больше, чем `most`; считается не больше',
  'false: disabled, a manager or an admin. An older version lists only who is, and leaves it out':
    'false: отключён либо менеджер или администратор. Более старая версия таких не показывает и не передаёт это поле',

  // Счета.
  'begin with the lines of this event instead of the newest': 'начать с движений по этому событию, а не с самых новых',
  "that event's epoch": 'эпоха этого события',
  "that event's epoch. An older version leaves it out": 'эпоха этого события. Более старая версия не передаёт это поле',
  'null until accounting has heard of the person': 'null, пока бухгалтерия не знает об этом человеке',
  'null until accounting heard of it': 'null, пока бухгалтерия не знает об этой задаче',
  "number of the task tracker's last event that is in the ledger":
    'номер последнего события трекера задач, учтённого на счетах',
  'number of the assignment a fee was paid for': 'номер назначения, за которое списана плата',
  'balance after this line': 'баланс после этого движения',
  'when the task was assigned or completed': 'когда задача назначена или выполнена',
  'accounting day it was booked on': 'день, к которому отнесена запись',
  'the event that caused it': 'событие, которым это вызвано',
  'in another epoch the same number is another event': 'в другой эпохе под тем же номером другое событие',
  'days before today': 'сколько дней до сегодняшнего',
  'of all time': 'за всё время',
  'of this event or later': 'начиная с этого события',
  'false: only what concerns the one who asks': 'false: здесь только то, что касается спросившего',
  'what the popug paid (negative) or got': 'сколько списано с попуга (со знаком минус) или зачислено ему',
  'UTC, ISO 8601; of the last 2,000 assignments of the popug':
    'время в UTC по ISO 8601; учитываются последние 2000 назначений попуга',
  'when somebody else was given it': 'когда задача досталась другому',
  'who was given it': 'кому она досталась',
  'some: there are more than these. unknown: the popug was given so many since then that not all were looked at. An older version leaves it out':
    'some: есть и другие. unknown: с тех пор попугу досталось столько задач, что просмотрены не все. Более старая версия не передаёт это поле',
  'the first hundred of each kind': 'первая сотня каждого вида',
  'which check found it': 'какая проверка это нашла',
  'account, posting or event': 'счёт, запись или событие',
  'true for a posting whose event a restored history does not have: the sums are right, a person reverses it':
    'true у записи, события которой нет в восстановленной истории: суммы верны, сторнировать её должен человек',
  'how many there are. An older version leaves it out': 'сколько их всего. Более старая версия не передаёт это поле',

  // Что видно при последней проверке.
  'when the services were last looked at; old: nobody watches':
    'когда сервисы проверялись в последний раз; если давно, значит, никто не наблюдает',
  'its last answer; null when there was never one': 'когда ответил в последний раз; null, если не отвечал ни разу',
  'null when it answers': 'null, если отвечает',
  'last number that is known to have reached the bus': 'последний номер, который точно дошёл до шины',
  'committed events that have no number yet': 'сколько записанных событий ещё без номера',
  'age of the oldest transaction on its database': 'как давно открыта самая старая транзакция в его базе',
  'processes seen in the last half minute': 'процессы, замеченные за последние полминуты',
  'one process of the service': 'один из процессов сервиса',
  'last event that it has applied': 'последнее событие, которое он применил',
  "the stream's last event; null when the producer was never seen":
    'последнее событие потока; null, если отправителя ещё не видели',
  'events between the two': 'сколько событий между ними',
  'how long a head above the position has been known': 'как давно известно, что в потоке есть ещё не применённое',
  'of a forked one: up to where the two histories are known to agree, and from where to differ':
    'если история разошлась: до какого номера обе точно совпадают и с какого расходятся',
  'the open ones, and the last that healed': 'ещё не дошедшие и последние из дошедших с опозданием',
  'null while it is open': 'null, пока не дошли',
  'kind of an error': 'вид ошибки',
  'of one of them': 'ошибка одного из этих событий',
  'error of its last step': 'ошибка последнего шага',
  "what is compared: 'log-ledger', 'tasks-log' or 'ledger'": 'что сверяется: log-ledger, tasks-log или ledger',
  'how far what is new has been compared': 'до какого номера сверены новые события',
  'where the present round over everything is': 'до какого номера дошёл текущий круг',
  'why it does not go on': 'почему не продвигается',
  'that somebody has to look at': 'сколько расхождений нужно разобрать',
  'that stay because a person discarded the event': 'сколько расхождений остаётся, потому что событие отклонил человек',

  // Отложенные события и доставка.
  'of the call from which it came, also in the logs of every process':
    'вызов, из которого возникло событие; так он назван и в логах каждого процесса',
  'its place in a trace, as a W3C traceparent; null when that is not traced':
    'место в трассировке в виде W3C traceparent; null, если трассировки нет',
  'events behind this number': 'события после этого номера',
  'and up to this one': 'и до этого номера включительно',
  'the last event looked at: a plan covers at most 2,000 events':
    'последнее проверенное событие: план охватывает не больше 2000 событий',
  'where it would be afterwards': 'на каком событии он оказался бы после этого',
  'services that did not answer: what their consumers would do is not known':
    'сервисы, которые не ответили: что сделали бы их потребители, неизвестно',
  'that would begin': 'эпоха, которая началась бы',
  'the last event that both histories have': 'последнее событие, которое есть в обеих историях',
  'how far the lost history had been applied; that stays applied':
    'до какого номера была применена утраченная история; применённое остаётся',
  "where the producer's log ends now": 'где сейчас заканчивается журнал отправителя',
  'parked events of the lost history, which would be discarded':
    'сколько отложенных событий утраченной истории было бы отклонено',

  // Действия оператора.
  'number of an act': 'номер действия',
  'whose events or consumer it is about': 'сервис, о событиях или потребителе которого речь',
  'what exactly was asked for': 'что именно запрошено',
  'how much there is to do; null while that is not known': 'сколько всего нужно сделать; null, пока неизвестно',
  'of those done, how many did not succeed': 'сколько из сделанного не удалось',
  'the last error, or why it waits': 'последняя ошибка или причина ожидания',
  'null for the command line': 'null, если из командной строки',
  'for the command line as they called themselves there; null while it is not known':
    'если из командной строки — как человек себя там назвал; null, пока неизвестно',
  'why; kept in the operator log': 'почему; сохраняется в журнале оператора',

  // Расхождения и тревоги.
  "what was compared: 'log-ledger', 'tasks-log' or 'ledger'": 'что сверялось: log-ledger, tasks-log или ledger',
  'the event, task or account': 'событие, задача или счёт',
  'number of the event, if it is about one': 'номер события, если речь о событии',
  'on the side that follows': 'что не так на ведомой стороне',
  'what the side that leads says': 'что следует из ведущей стороны',
  'what the side that follows says': 'что найдено на ведомой стороне',
  'why it may stay, as who discarded the event said; null for what somebody has to look at':
    'почему расхождение может остаться, словами того, кто отклонил событие; null, если его нужно разобрать',
  'when it was last found to be there': 'когда расхождение видели в последний раз',
  'which condition; it has a runbook page of this name': 'имя тревоги; так же называется страница с указаниями к ней',
  'what it is about, such as a consumer': 'о чём она, например о потребителе',
  'what is wrong, in plain words': 'что не так, простыми словами',
  'facts that the text names, by alert: numbers, words, and durations in milliseconds (`...Ms`); older versions did not say them':
    'то, что названо в тексте, у каждой тревоги своё: числа, слова и длительности в миллисекундах (`...Ms`); более старые версии этого не передавали',
  'when the condition began': 'когда это началось',
}
