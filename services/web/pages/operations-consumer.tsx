// One consumer: how far it is, pausing and resuming it, delivering a range again after a dry run, and deciding a fork.
import type { z } from 'zod'
import { isRefusal } from '../../../kernel/result.ts'
import { operations } from '../../operations/contract.ts'
import { admins, staff } from '../../vocabulary.ts'
import { check, type Form } from '../forms.ts'
import { CommandForm, Field, FormError } from '../look/fields.tsx'
import { Notice } from '../look/parts.tsx'
import { Problem, Refused } from '../problem.ts'
import { get, post } from '../route.ts'
import type { Member } from '../visit.tsx'
import { Fact, toAct } from './operations-acts.tsx'
import { Delivery, type Plan, type Range, rangeIn } from './operations-delivery.tsx'
import { consumerPath, Gaps, StopReason } from './operations-parts.tsx'

type Overview = z.output<typeof operations.getOverview.output>
type Consumer = Overview['consumers'][number]

export const operationsConsumerPage = [
  get('/operations/consumers/:service/:consumer', staff, (visit) => consumerView(visit, {})),

  post('/operations/consumers/:service/:consumer/pause', admins, async (visit, form) => {
    const checked = check(operations.pauseConsumer.input, { ...placeIn(visit), reason: form.text('reason') })
    if ('wrong' in checked) {
      return consumerView(visit, { form, reasonError: visit.texts.operations.parked.reasonRule })
    }
    const outcome = await visit.call(operations.pauseConsumer, checked.value, { key: form.key })
    return toAct(visit, pathOf(visit), operations.pauseConsumer, outcome)
  }),

  post('/operations/consumers/:service/:consumer/resume', admins, async (visit, form) => {
    const outcome = await visit.call(operations.resumeConsumer, placeIn(visit), { key: form.key })
    return toAct(visit, pathOf(visit), operations.resumeConsumer, outcome)
  }),

  post('/operations/consumers/:service/:consumer/accept', admins, async (visit, form) => {
    const after = /^\d{1,15}$/.test(form.text('after')) ? Number(form.text('after')) : Number.NaN
    const checked = check(operations.acceptHistory.input, { ...placeIn(visit), after, reason: form.text('reason') })
    if ('wrong' in checked) {
      const { consumer, parked } = visit.texts.operations
      const error = checked.wrong.has('after') ? consumer.rangeRule : parked.reasonRule
      return consumerView(visit, { form, acceptError: error })
    }
    const outcome = await visit.call(operations.acceptHistory, checked.value, { key: form.key })
    return toAct(visit, pathOf(visit), operations.acceptHistory, outcome)
  }),

  post('/operations/consumers/:service/:consumer/deliver', admins, async (visit, form) => {
    const range = rangeIn((name) => form.text(name))
    const rangeError = visit.texts.operations.consumer.rangeRule
    if (range === null) return consumerView(visit, { form, rangeError })
    const outcome = await visit.call(operations.refetchEvents, { ...placeIn(visit), ...range }, { key: form.key })
    return toAct(visit, pathOf(visit), operations.refetchEvents, outcome)
  }),
]

const placeIn = (visit: Member) => {
  const checked = check(operations.resumeConsumer.input, {
    service: visit.param('service'),
    consumer: visit.param('consumer'),
  })
  if ('wrong' in checked) throw new Problem('notFound')
  return checked.value
}

const pathOf = (visit: Member): string => consumerPath(placeIn(visit))

const consumerOf = (visit: Member, { consumers }: Overview): Consumer => {
  const { service, consumer } = placeIn(visit)
  const found = consumers.find((one) => one.service === service && one.consumer === consumer)
  if (!found) throw new Problem('notFound')
  return found
}

/** A form of this page as it was sent, and what was wrong with it. */
interface Sent {
  readonly form?: Form
  readonly reasonError?: string
  readonly acceptError?: string
  readonly rangeError?: string
}

const consumerView = async (visit: Member, sent: Sent): Promise<Response> => {
  const overview = await visit.need(operations.getOverview, {})
  const consumer = consumerOf(visit, overview)
  const isAsked = visit.query.has('after') || visit.query.has('upTo')
  const range = rangeIn((name) => visit.query.get(name) ?? '')
  const plan = range && (await planOf(visit, range))
  const rangeError = isAsked && range === null ? visit.texts.operations.consumer.rangeRule : sent.rangeError
  return visit.page(
    visit.texts.operations.consumer.title(consumer.service, consumer.consumer),
    <ConsumerView visit={visit} overview={overview} consumer={consumer} plan={plan} sent={{ ...sent, rangeError }} />,
    { status: sent.form || rangeError ? 422 : 200 },
  )
}

const planOf = async (visit: Member, range: Range): Promise<Plan> => {
  const outcome = await visit.call(operations.planDelivery, { ...placeIn(visit), ...range }, { timeoutMs: 15_000 })
  if (isRefusal(outcome)) throw new Refused(operations.planDelivery, outcome)
  return outcome.ok
}

interface ConsumerProps {
  readonly visit: Member
  readonly overview: Overview
  readonly consumer: Consumer
  readonly plan: Plan | null
  readonly sent: { [Name in keyof Sent]: Sent[Name] | undefined }
}

const ConsumerView = ({ visit, overview, consumer, plan, sent }: ConsumerProps) => {
  const mine = overview.undelivered.filter(
    (gap) => gap.service === consumer.service && gap.consumer === consumer.consumer,
  )
  const mayAct = admins.includes(visit.person.role)
  return (
    <>
      <ConsumerFacts visit={visit} consumer={consumer} />
      {consumer.state === 'forked' && <Fork visit={visit} consumer={consumer} mayAct={mayAct} sent={sent} />}
      <Gaps visit={visit} undelivered={mine} now={overview.now} />
      {mayAct && consumer.state !== 'forked' && <PauseOrResume visit={visit} consumer={consumer} sent={sent} />}
      <Delivery
        visit={visit}
        consumer={consumer}
        plan={plan}
        mayAct={mayAct}
        error={sent.rangeError}
        form={sent.form}
      />
      <p class="aside">
        <a href="/operations">{visit.texts.operations.back}</a>
      </p>
    </>
  )
}

const ConsumerFacts = ({ visit, consumer }: { visit: Member; consumer: Consumer }) => {
  const { streams: words, consumer: more, parked } = visit.texts.operations
  const { number, moment } = visit.formats
  const { state, head, behind, movedAt } = consumer
  return (
    <dl class="facts">
      <Fact name={words.state}>
        <span class={`state state-${state === 'running' ? 'done' : 'trouble'}`}>{words.states[state]}</span>
        <StopReason visit={visit} consumer={consumer} />
      </Fact>
      <Fact name={words.position}>
        {consumer.stream} #{number(consumer.number)}
      </Fact>
      <Fact name={words.head}>{head === null ? '–' : `#${number(head)}`}</Fact>
      <Fact name={words.behind}>{behind === 0 ? words.even : number(behind)}</Fact>
      <Fact name={words.moved}>{movedAt === null ? '–' : moment(movedAt)}</Fact>
      <Fact name={more.epoch}>{consumer.epoch}</Fact>
      <Fact name={words.parked}>
        {number(consumer.parked)}{' '}
        {consumer.parked > 0 && (
          <a
            href={`/operations/parked?${new URLSearchParams({ service: consumer.service, consumer: consumer.consumer })}`}
          >
            {parked.show}
          </a>
        )}
      </Fact>
    </dl>
  )
}

type ActionProps = Pick<ConsumerProps, 'visit' | 'consumer' | 'sent'>

const PauseOrResume = ({ visit, consumer, sent }: ActionProps) => {
  const { consumer: words } = visit.texts.operations
  const path = consumerPath(consumer)
  return (
    <section aria-labelledby="run">
      <h2 id="run">{words.actions}</h2>
      {consumer.state === 'paused' ? (
        <CommandForm action={`${path}/resume`}>
          <button class="btn btn-primary">{words.resume}</button>
        </CommandForm>
      ) : (
        <CommandForm action={`${path}/pause`} class="one-line">
          <Field name="reason" label={words.reason} help={words.pauseHelp} error={sent.reasonError}>
            {(attributes) => (
              <input
                class="input"
                maxlength={1_000}
                required
                value={sent.reasonError === undefined ? '' : (sent.form?.text('reason') ?? '')}
                {...attributes}
              />
            )}
          </Field>
          <button class="btn">{words.pause}</button>
        </CommandForm>
      )}
    </section>
  )
}

const Fork = ({ visit, consumer, mayAct, sent }: ActionProps & { readonly mayAct: boolean }) => {
  const { consumer: words } = visit.texts.operations
  const { number } = visit.formats
  const { fork } = consumer
  const agreed = fork?.agreedAt ?? 0
  return (
    <section aria-labelledby="fork">
      <h2 id="fork">{words.forked}</h2>
      <Notice>{words.forkedHelp}</Notice>
      {fork && <p>{words.agreed(number(fork.agreedAt), fork.differsAt === null ? null : number(fork.differsAt))}</p>}
      {mayAct && (
        <CommandForm action={`${consumerPath(consumer)}/accept`} class="stack">
          {sent.acceptError && <FormError>{sent.acceptError}</FormError>}
          <Field name="after" label={words.acceptAfter}>
            {(attributes) => (
              <input
                class="input"
                inputmode="numeric"
                required
                value={sent.acceptError === undefined ? agreed : (sent.form?.text('after') ?? '')}
                {...attributes}
              />
            )}
          </Field>
          <Field name="reason" label={words.reason}>
            {(attributes) => (
              <input
                class="input"
                maxlength={1_000}
                required
                value={sent.acceptError === undefined ? '' : (sent.form?.text('reason') ?? '')}
                {...attributes}
              />
            )}
          </Field>
          <button class="btn btn-primary">{words.accept}</button>
        </CommandForm>
      )}
    </section>
  )
}
