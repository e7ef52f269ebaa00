// Clients that create, complete and reassign at random. What they know of tasks they know from answers only.
import type { Learned } from './audit.ts'
import type { Order } from './journal.ts'

export interface Person {
  readonly id: number
  readonly role: string
}

/** A uniform integer, both ends included. */
export type Draw = (from: number, to: number) => number

/** Shares of a thousand; what is left of it completes tasks. */
export interface Mix {
  readonly create: number
  readonly reassign: number
}

export class Clients {
  /** Open tasks, each with who was last heard to hold it. */
  readonly open = new Map<number, number>()
  private readonly people: readonly Person[]
  private readonly draw: Draw
  private readonly mix: Mix
  private readonly name: string
  private count = 0

  constructor(name: string, people: readonly Person[], draw: Draw, mix: Mix = { create: 550, reassign: 10 }) {
    this.name = name
    this.people = people
    this.draw = draw
    this.mix = mix
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.draw(0, items.length - 1)] as Item
  }

  manager(): number {
    return this.pick(this.people.filter(({ role }) => role === 'manager')).id
  }

  popug(): number {
    return this.pick(this.people.filter(({ role }) => role === 'popug')).id
  }

  order(command: Order['command'], actor: number, input: Order['input'] = {}): Order {
    return { request: `${this.name}-${(this.count += 1)}`, command, actor, input }
  }

  invite(role: string): Order {
    const order = this.order('InvitePerson', 1)
    return { ...order, input: { name: order.request, email: `${order.request}@example.com`, role } }
  }

  create(): Order {
    const actor = this.pick(this.people)
    const order = this.order('CreateTask', actor.id)
    const named = actor.role === 'manager' && this.draw(1, 3) === 1 ? { popugId: this.popug() } : {}
    return { ...order, input: { description: order.request, ...named } }
  }

  /** Mostly by who holds the task, now and then by somebody else. */
  complete(): Order {
    const [taskId, holder] = this.pick([...this.open])
    return this.order('CompleteTask', this.draw(1, 20) === 1 ? this.popug() : holder, { taskId })
  }

  next(): Order {
    const dice = this.draw(1, 1_000)
    if (dice <= this.mix.create || this.open.size === 0) return this.create()
    return dice <= this.mix.create + this.mix.reassign ? this.order('AssignTasks', this.manager()) : this.complete()
  }

  learn({ command, input }: Order, learned: Learned): void {
    const taskId = Number(input['taskId'])
    if ('acknowledged' in learned && command === 'CreateTask') {
      this.open.set(Number(learned.acknowledged['taskId']), Number(learned.acknowledged['assigneeId']))
    }
    if ('acknowledged' in learned && command === 'CompleteTask') this.open.delete(taskId)
    if ('refused' in learned && learned.refused === 'not_assignee' && this.open.has(taskId)) {
      this.open.set(taskId, Number(learned.detail?.['assigneeId']))
    }
  }
}
