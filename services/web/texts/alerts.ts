// What the catalogs are given of an alert, to say in their language what is wrong.
import type { z } from 'zod'
import type { operations } from '../../operations/contract.ts'
import type { Texts } from './en.ts'
import { failureText } from './failures.ts'
import { jobReasonText, stopText, undeliveredText } from './notes.ts'

type Alert = z.output<typeof operations.listAlerts.output>['alerts'][number]

export type ToldAlert = Pick<Alert, 'name' | 'about' | 'details' | 'text'>

/** So many milliseconds, in the reader's language. */
export type Span = (ms: number) => string

/** A catalog that does not know the alert says its text as it came. */
export type AlertSentence = (alert: ToldAlert, span: Span) => string

/** Alerts whose reason is a text that pages know from elsewhere. */
const reasons: Readonly<Record<string, (texts: Texts, reason: string, span: Span) => string>> = {
  EventsUndelivered: (texts, reason, span) => undeliveredText(texts, reason, (seconds) => span(seconds * 1_000)),
  ProducerSilent: failureText,
  ConsumerStopped: stopText,
  JobStuck: jobReasonText,
}

export const alertText = (texts: Texts, alert: ToldAlert, span: Span): string => {
  const reason = alert.details?.['reason']
  const inWords = reasons[alert.name]
  const told =
    inWords && typeof reason === 'string'
      ? { ...alert, details: { ...alert.details, reason: inWords(texts, reason, span) } }
      : alert
  return texts.operations.alerts.sentence(told, span)
}
