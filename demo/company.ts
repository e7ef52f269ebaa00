// Who works in the demo's company, and what there is to do.
import type { Role } from '../services/vocabulary.ts'

export interface Employee {
  readonly name: string
  readonly role: Role
}

const leaders: readonly Employee[] = [
  { name: 'Ada Amazon', role: 'admin' },
  { name: 'Mia Macaw', role: 'manager' },
  { name: 'Борис Какаду', role: 'manager' },
  { name: 'Clara Lory', role: 'accountant' },
  { name: 'Фаина Розелла', role: 'accountant' },
]

const popugs = [
  'Anna Cockatoo',
  'Игорь Жако',
  'Ben Budgerigar',
  'Лида Корелла',
  'Chloe Conure',
  'Павел Неразлучник',
  'Dora Eclectus',
  'Соня Ара',
  'Emil Kakariki',
  'Гоша Волнистый',
  'Flora Lorikeet',
  'Тимур Кеа',
  'George Kea',
  'Нина Амазон',
  'Hanna Parakeet',
  'Олег Лори',
  'Ivan Quaker',
  'Рая Сенегалка',
  'Julia Senegal',
  'Федя Монах',
  'Karl Hyacinth',
  'Зоя Пионус',
  'Lena Pionus',
  'Марк Каик',
  'Nora Caique',
  'Yuki Rosella',
  'Oskar Galah',
  'Pia Corella',
  'Quentin Ringneck',
  'Rosa Lovebird',
] as const

/** The leaders, and popugs up to `size` in all; beyond the names that there are, with a number. */
export const company = (size: number): Employee[] => [
  ...leaders,
  ...Array.from({ length: Math.max(0, size - leaders.length) }, (_, at): Employee => {
    const round = Math.floor(at / popugs.length)
    const name = popugs[at % popugs.length] ?? ''
    return { name: round === 0 ? name : `${name} ${round + 1}`, role: 'popug' }
  }),
]

/** How Russian names are written in addresses; what is not spoken is left out. */
const latin = new Map(
  'а:a б:b в:v г:g д:d е:e ё:e ж:zh з:z и:i й:y к:k л:l м:m н:n о:o п:p р:r с:s т:t у:u ф:f х:h ц:ts ч:ch ш:sh щ:sch ъ: ы:y ь: э:e ю:yu я:ya'
    .split(' ')
    .map((pair) => pair.split(':') as [string, string]),
)

/** By first names, which are all different, and the number of those who share one. */
export const emailOf = (name: string): string => {
  const [first = '', , number = ''] = name.toLowerCase().split(' ')
  return `${Array.from(first, (letter) => latin.get(letter) ?? letter).join('')}${number}@uberpopug.example`
}

export const chores: readonly string[] = [
  'Refill the water in the big aviary',
  'Почистить жёрдочки на втором этаже',
  'Call the vet about Polly’s left wing',
  'Заказать семечки на следующую неделю',
  'Repair the swing by the window',
  'Проверить замки на клетках после обеда',
  'Write the minutes of Monday’s flight meeting',
  'Пересчитать зеркальца на складе',
  'Answer the neighbours about the morning noise',
  'Обновить расписание кормления',
  'Translate the safety poster into Russian',
  'Подготовить отчёт о линьке за октябрь',
  'Replace the bulb in the nesting room',
  'Встретить новых попугов и показать офис',
  'Test the emergency exits with the fledglings',
  'Разобрать коробку с игрушками у входа',
  'Book the hall for the choir’s rehearsal',
  'Договориться о скидке на манго',
  'Sort the seed mix: sunflower left, millet right',
  'Настроить термостат в южном крыле',
  'Check who keeps taking the red bell',
  'Составить список гостей на день жёрдочки',
  'Teach the intern to say “invoice”',
  'Починить скрипучую дверцу в бухгалтерии',
  'Draft the announcement about quiet hours',
  'Отправить посылку в филиал в Калуге',
  'Back up the recordings of the morning calls',
  'Проверить срок годности витаминов',
  'Count the feathers lost in the corridor',
  'Полить пальму и снять с неё Гошу',
  'Find out why the printer prints in green only',
  'Согласовать меню с ветеринаром',
  'Move the mirror away from the meeting room',
  'Обзвонить поставщиков кокосовой стружки',
  'Measure the perches for the new office',
  'Описать порядок выдачи бубенчиков',
  'Update the map of fruit trees nearby',
  'Забрать клюквенный сок у курьера',
  'Prepare slides: flocking at scale',
  'Расклеить таблички «Осторожно, взлёт»',
]
