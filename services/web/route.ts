// A page is a list of routes: address, who may come, and what to answer.
import type { ComponentChildren } from 'preact'
import type { Role } from '../vocabulary.ts'
import type { Form } from './forms.ts'
import type { Member, Visit } from './visit.tsx'

type Answer = Response | Promise<Response>

/** The fields of a form that ask for passwords. */
export type Passwords = (props: { readonly visit: Visit }) => ComponentChildren

interface Address {
  readonly verb: 'GET' | 'POST'
  readonly path: string
  /** Asks for the passwords of this form anew where it may be sent again: what was typed is not kept. */
  readonly passwords?: Passwords | undefined
}

export type OpenRoute = Address & { readonly allow: 'anybody'; readonly answer: (visit: Visit, form: Form) => Answer }
export type ClosedRoute = Address & {
  readonly allow: readonly Role[]
  readonly answer: (visit: Member, form: Form) => Answer
}
export type Route = OpenRoute | ClosedRoute

/** A page that only people with these roles may see. */
export const get = (path: string, allow: readonly Role[], answer: (visit: Member) => Answer): Route => ({
  verb: 'GET',
  path,
  allow,
  answer,
})

/** A form that only people with these roles may send. */
export const post = (
  path: string,
  allow: readonly Role[],
  answer: (visit: Member, form: Form) => Answer,
  passwords?: Passwords,
): Route => ({ verb: 'POST', path, allow, answer, passwords })

export const openGet = (path: string, answer: (visit: Visit) => Answer): Route => ({
  verb: 'GET',
  path,
  allow: 'anybody',
  answer,
})

export const openPost = (path: string, answer: (visit: Visit, form: Form) => Answer, passwords?: Passwords): Route => ({
  verb: 'POST',
  path,
  allow: 'anybody',
  answer,
  passwords,
})
