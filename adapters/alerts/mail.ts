// Sends messages as e-mail through an SMTP server (nodemailer).
import type { Channel } from '../../kernel/ports.ts'

export interface MailOptions {
  /** `smtp://user:password@host:port`, or `smtps:` for TLS from the beginning. */
  readonly server: string
  readonly from: string
  readonly to: readonly string[]
  /** How long a step of one try may take, and twice that a try in all; 10,000 ms when not given. */
  readonly timeoutMs?: number
}

/** A server that says a word now and then would never be too late in any single step. */
const within = async <T>(waitMs: number, work: Promise<T>): Promise<T> => {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(`the mail server took longer than ${waitMs} ms`)), waitMs)
  return Promise.race([work, late.promise]).finally(() => clearTimeout(timer))
}

/**
 * Takes a message when the server has accepted it for at least one address. The Message-ID is the same in all tries, by
 * which mail programs know a repetition.
 */
export const mail = ({ server, from, to, timeoutMs = 10_000 }: MailOptions): Channel => {
  const limits = {
    connectionTimeout: timeoutMs,
    greetingTimeout: timeoutMs,
    socketTimeout: timeoutMs,
    dnsTimeout: timeoutMs,
  }
  const open = async () => {
    // Loaded by the first message, for most of aTES never sends one.
    const { createTransport } = await import('nodemailer')
    return createTransport({ url: server, ...limits, disableFileAccess: true, disableUrlAccess: true })
  }
  let opened: ReturnType<typeof open> | undefined
  return {
    name: 'mail',
    send: async ({ id, at, subject, text }) => {
      const headers = { 'Auto-Submitted': 'auto-generated' }
      const message = { from, to: [...to], subject, text, date: at, messageId: `<${id}@ates>`, headers }
      const transport = await (opened ??= open())
      await within(2 * timeoutMs, transport.sendMail(message))
    },
  }
}
