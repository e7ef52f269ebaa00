// The words that several contracts share: roles, ids and amounts.
import { z } from 'zod'

export const roles = ['popug', 'manager', 'accountant', 'admin'] as const
export type Role = (typeof roles)[number]

export const everybody: readonly Role[] = roles
export const managers: readonly Role[] = ['manager', 'admin']
export const accountants: readonly Role[] = ['accountant', 'admin']
export const admins: readonly Role[] = ['admin']
/** Everybody who looks after more than their own tasks. */
export const staff: readonly Role[] = ['manager', 'accountant', 'admin']

/** Ids of people and tasks: positive and within PostgreSQL's `integer`. */
const id = z.int().min(1).max(2_147_483_647)
export const popugId = id.describe('number of a person')
export const taskId = id.describe('number of a task')

export const role = z.enum(roles)
/** Whole cents; negative where money goes out. */
export const cents = z.int().describe('whole cents')
/** What an assignment costs the assignee, ends included; accounting draws it once for each task. */
export const feeRangeCents = { from: 1_000, to: 2_000 } as const

export const moment = z.iso.datetime().describe('UTC, ISO 8601')
export const day = z.iso.date().describe('day in the business time zone')

/** In code points. */
const lengthOf = (text: string): number => Array.from(text).length

/** PostgreSQL's text cannot hold U+0000; lone surrogates are not Unicode. Lengths count code points. */
export const text = (min: number, max: number) =>
  z
    .string()
    .trim()
    .refine((value) => !value.includes('\0') && value.isWellFormed(), 'must be valid Unicode without U+0000')
    .refine((value) => lengthOf(value) >= min, min === 1 ? 'must not be empty' : `must have at least ${min} characters`)
    .refine((value) => value.length <= max * 2 && lengthOf(value) <= max, `must have at most ${max} characters`)
    .meta({ minLength: min, maxLength: max })

/** A place in a keyset-paged list; opaque to callers. */
export const pageMark = z
  .string()
  .max(200)
  .regex(/^[\w-]*$/)
  .optional()
  .describe('from `next` of the page before')
export const pageSize = z.int().min(1).max(200).default(50)
export const nextPage = z.string().nullable().describe('give it as `after` for the next page; null on the last')
