// What an answer of the API looks like, whatever was asked: never a fault, and a refusal says what is wrong.

export interface Answer {
  readonly status: number
  readonly type: string
  readonly requestId: string
  readonly text: string
}

export const answerOf = async (response: Response): Promise<Answer> => ({
  status: response.status,
  type: response.headers.get('content-type') ?? '',
  requestId: response.headers.get('x-request-id') ?? '',
  text: await response.text(),
})

/** What is wrong with an answer; null when nothing is. */
export const faultIn = ({ status, type, requestId, text }: Answer, mustRefuse = false): string | null => {
  if (status >= 500) return `${status} ${text}`
  if (!/^[\w.-]{1,64}$/.test(requestId)) return `request id ${requestId}`
  if (status < 400) return mustRefuse ? `${status} where it must be refused: ${text.slice(0, 200)}` : null
  if (type !== 'application/problem+json') return `${status} as ${type}: ${text}`
  const problem = JSON.parse(text) as Record<string, unknown>
  const said = [problem['status'], problem['requestId'], typeof problem['code'], typeof problem['title']]
  return JSON.stringify(said) === JSON.stringify([status, requestId, 'string', 'string']) ? null : `no problem: ${text}`
}
