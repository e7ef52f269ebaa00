// Problem details, as every answer that is a no has them (RFC 9457).

const title = (code: string): string => code.charAt(0).toUpperCase() + code.slice(1).replaceAll('_', ' ')

export const problemHeaders = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' } as const

export const problemBody = (status: number, code: string, rest: object = {}): string =>
  JSON.stringify({ type: `urn:ates:problem:${code}`, title: title(code), status, code, ...rest })

export const problem = (status: number, code: string, rest: object, headers: Record<string, string> = {}): Response =>
  new Response(problemBody(status, code, rest), {
    status,
    headers: { ...problemHeaders, ...headers },
  })
