// A small service for tests of calls: parrots and their meals, with a handler for every way a call can end.
import { sql } from 'kysely'
import { z } from 'zod'
import { command, contract, event, query, serviceRole } from '../../kernel/contract.ts'
import { ok, refuse } from '../../kernel/result.ts'
import { type Context, defineService } from '../../kernel/service.ts'
import { admins, everybody, popugId, text } from '../../services/vocabulary.ts'

export const rottenDetail = { since: 'yesterday', grams: 3, signs: ['smell', 'colour'] }

const Meal = z.object({ mealId: z.int(), parrotId: popugId, food: z.string(), grams: z.int(), by: z.int().nullable() })

export const parrots = contract('parrots', {
  feed: command({
    http: 'POST /parrots/{parrotId}/meals',
    summary: 'Gives a parrot something to eat.',
    allow: ['popug', 'manager'],
    input: z.object({ parrotId: popugId, food: text(1, 100), grams: z.int().min(1).max(1_000).default(10) }),
    output: Meal,
    refuses: { rotten: 'invalid', no_such_parrot: 'absent', not_hungry: 'conflict', not_your_parrot: 'forbidden' },
  }),
  hush: command({
    http: 'POST /parrots/{parrotId}/hush',
    summary: 'Makes a parrot silent, which it then is, however often one says it.',
    allow: everybody,
    idempotent: true,
    input: z.object({ parrotId: popugId }),
    output: z.object({ requestId: z.string() }),
  }),
  listMeals: query({
    http: 'GET /parrots/{parrotId}/meals',
    summary: 'What a parrot ate.',
    allow: everybody,
    input: z.object({
      parrotId: popugId,
      food: z.string().optional(),
      atLeast: z.int().default(0),
      newest: z.boolean().optional(),
    }),
    output: z.object({ meals: z.array(Meal), asked: z.unknown() }),
    refuses: { no_such_parrot: 'absent' },
  }),
  repeat: query({
    http: 'GET /parrots/{parrotId}/words/{word}/echo',
    summary: 'Says a word again.',
    allow: everybody,
    input: z.object({ parrotId: popugId, word: z.string() }),
    output: z.object({ word: z.string() }),
  }),
  inspect: query({
    http: 'GET /inspection',
    summary: 'Says who asks; for administrators.',
    allow: admins,
    input: z.object({}),
    output: z.object({ actorId: z.int().nullable(), role: z.string() }),
  }),
  cleanCage: command({
    http: 'POST /cage/clean',
    summary: 'Forgets all meals; for services.',
    allow: [serviceRole],
    input: z.object({}),
    output: z.object({ meals: z.int() }),
  }),
  fed: event({
    version: 1,
    summary: 'A parrot ate.',
    about: 'parrotId',
    data: z.object({ parrotId: popugId, mealId: z.int() }),
  }),
})

const migrations = {
  '0001-meals': [
    `create table meal (
      id int generated always as identity primary key, parrot_id int not null, food text not null, grams int not null, fed_by int)`,
  ],
}

/** Called in the transaction, after what the method wrote. */
export type During = (context: Context) => Promise<void>

const refusals = {
  rotten: refuse('rotten', rottenDetail),
  nothing: refuse('no_such_parrot'),
  enough: refuse('not_hungry'),
  stolen: refuse('not_your_parrot'),
} as const

const isNo = (food: string): food is keyof typeof refusals => Object.hasOwn(refusals, food)

/**
 * The food decides how `feed` ends, always after it has written: `rotten`, `nothing`, `enough` and `stolen` are
 * refused, `poison` is a bug of the handler, `mystery` an answer that the contract does not allow.
 */
export const parrotsService = (during: During = () => Promise.resolve()) =>
  defineService({
    name: 'parrots',
    contract: parrots,
    migrations,
    handlers: {
      feed: async ({ parrotId, food, grams }, context) => {
        const { tx, actor, emit } = context
        const { rows } = await sql<{ id: number }>`
          insert into parrots.meal (parrot_id, food, grams, fed_by) values (${parrotId}, ${food}, ${grams}, ${actor.id})
          returning id`.execute(tx)
        const mealId = rows[0]?.id ?? 0
        emit(parrots.fed, [{ parrotId, mealId }])
        await during(context)
        if (isNo(food)) return refusals[food]
        if (food === 'poison') throw new Error('the parrot fell off its perch')
        return ok({ mealId: food === 'mystery' ? 0.5 : mealId, parrotId, food, grams, by: actor.id })
      },
      hush: async (_input, context) => {
        await during(context)
        return ok({ requestId: context.requestId })
      },
      listMeals: async (asked, context) => {
        await during(context)
        const { rows } = await sql<z.input<typeof Meal>>`
          select id as "mealId", parrot_id as "parrotId", food, grams, fed_by as by from parrots.meal
          where parrot_id = ${asked.parrotId} and grams >= ${asked.atLeast} order by id`.execute(context.tx)
        return ok({ meals: rows.filter(({ food }) => asked.food === undefined || food === asked.food), asked })
      },
      repeat: ({ word }) => Promise.resolve(ok({ word })),
      inspect: (_input, { actor }) => Promise.resolve(ok({ actorId: actor.id, role: actor.role })),
      cleanCage: async (_input, { tx }) => {
        const { numAffectedRows = 0n } = await sql`delete from parrots.meal`.execute(tx)
        return ok({ meals: Number(numAffectedRows) })
      },
    },
  })
