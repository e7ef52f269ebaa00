// Error pages: what went wrong in plain words, a number to report it by, and the form again where it may be sent again.
import { Fault, type FaultKind } from '../../../kernel/result.ts'
import { type Form, passwordNames } from '../forms.ts'
import { CommandForm } from '../look/fields.tsx'
import { Problem, Refused, type ProblemCode } from '../problem.ts'
import type { Passwords } from '../route.ts'
import type { Texts } from '../texts/index.ts'
import { refusalText } from '../texts/refusals.ts'
import type { Visit } from '../visit.tsx'

interface Explained {
  readonly status: number
  readonly title: string
  readonly text: string
  /** True where the same form may work in a moment. */
  readonly repeatable?: boolean
  /** True where the log knows more under the request's number. */
  readonly logged?: boolean
}

/** A form as it was sent, and how its page asks for the passwords in it. */
export interface Sent {
  readonly form: Form
  readonly passwords: Passwords | undefined
}

export const failurePage = (visit: Visit, error: unknown, sent: Sent | null): Response => {
  const explained = explain(visit, error)
  if (explained.logged) log(visit, error, explained)
  return visit.page(explained.title, <Failure visit={visit} explained={explained} sent={sent} />, {
    status: explained.status,
    plain: visit.person === null,
  })
}

const Failure = ({ visit, explained, sent }: { visit: Visit; explained: Explained; sent: Sent | null }) => {
  const { problems } = visit.texts
  return (
    <div class="failure">
      <p class="lead">{explained.text}</p>
      {explained.repeatable && sent && <Resend visit={visit} {...sent} />}
      <p class="ways">
        {explained.repeatable && !sent && <a href={visit.url.pathname}>{problems.reload}</a>}
        <a href="/">{problems.home}</a>
      </p>
      {explained.logged && (
        <p class="reference">
          {problems.reference}: <code>{visit.requestId}</code>
          <br />
          {problems.referenceHelp}
        </p>
      )}
    </div>
  )
}

const isPassword = (name: string): boolean => passwordNames.some((one) => one === name)

/** The form with all that was in it and the same key. Passwords are asked for again, as its own page asks for them. */
const Resend = ({ visit, form, passwords: Passwords }: Sent & { visit: Visit }) => {
  const { problems } = visit.texts
  const kept = [...form.fields].filter(([name]) => name !== 'key' && !isPassword(name))
  const description = form.text('description')
  return (
    <CommandForm action={form.path} idempotencyKey={form.key} class="stack" boost={!Passwords}>
      <p>{Passwords ? problems.resendWithPassword : problems.resendText}</p>
      {description && (
        <blockquote aria-label={problems.resendWhat} class="kept">
          {description}
        </blockquote>
      )}
      {kept.map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      {Passwords && <Passwords visit={visit} />}
      <button class="btn btn-primary">{problems.resend}</button>
    </CommandForm>
  )
}

const explain = (visit: Visit, error: unknown): Explained => {
  const { texts } = visit
  if (error instanceof Problem) return explainProblem(visit, error)
  if (error instanceof Refused) {
    return { status: error.status, title: texts.problems.refused, text: refusalText(texts, error.refusal) }
  }
  return explainFault(texts, error instanceof Fault ? error.kind : 'internal')
}

const explainProblem = ({ texts, person }: Visit, { code, status }: Problem): Explained => {
  const { problems } = texts
  const role = person ? texts.roles[person.role] : ''
  const byCode: Record<ProblemCode, readonly [string, string]> = {
    badRequest: [problems.badRequest, problems.badRequestText],
    forbidden: [problems.forbidden, problems.forbiddenText(role)],
    crossSite: [problems.crossSite, problems.crossSiteText],
    notFound: [problems.notFound, problems.notFoundText],
    tooLarge: [problems.tooLarge, problems.tooLargeText],
    wrongType: [problems.wrongType, problems.wrongTypeText],
  }
  const [title, text] = byCode[code]
  return { status, title, text }
}

const explainFault = ({ problems }: Texts, kind: FaultKind): Explained => {
  if (kind === 'internal') return { status: 500, title: problems.internal, text: problems.internalText, logged: true }
  const text = kind === 'outcome_unknown' ? problems.unknownText : problems.unavailableText
  const title = kind === 'outcome_unknown' ? problems.unknown : problems.unavailable
  return { status: 503, title, text, repeatable: true, logged: true }
}

const log = ({ deps, requestId, url }: Visit, error: unknown, { status }: Explained): void => {
  const fields = { err: error, requestId, path: url.pathname, status }
  if (status === 500) deps.log.error(fields, 'page failed')
  else deps.log.warn(fields, 'page failed: a service is out of reach')
}
