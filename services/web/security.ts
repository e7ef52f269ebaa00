// What protects every page: headers, the same-origin rule for forms, and the limit on their size.
import { Hono, type MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { csrf } from 'hono/csrf'
import { HTTPException } from 'hono/http-exception'
import { secureHeaders } from 'hono/secure-headers'
import { maxFormBytes } from './forms.ts'
import { Problem } from './problem.ts'

const self = ["'self'"]

/** Nothing inline and nothing from elsewhere. `same-origin` as referrer policy, or browsers send `Origin: null` with forms. */
export const headers = (secure: boolean): MiddlewareHandler =>
  secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: self,
      styleSrc: self,
      imgSrc: self,
      connectSrc: self,
      fontSrc: self,
      manifestSrc: self,
      formAction: self,
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
    },
    referrerPolicy: 'same-origin',
    xFrameOptions: 'DENY',
    strictTransportSecurity: secure ? 'max-age=31536000' : false,
  })

/** The same headers for what answers requests by itself. */
export const withHeaders = (secure: boolean, answer: (request: Request) => Promise<Response>) => {
  const app = new Hono().use(headers(secure)).all('*', (c) => answer(c.req.raw))
  return (request: Request): Response | Promise<Response> => app.fetch(request)
}

/** Unsafe methods only from our own pages: by Sec-Fetch-Site, or by Origin where browsers do not send that. */
export const sameOrigin = (secure: boolean): MiddlewareHandler => {
  const refuse = csrf({ origin: (origin, c) => origin === ownOrigin(new URL(c.req.url), secure) })
  return async (c, next) => {
    try {
      return await refuse(c, next)
    } catch (error) {
      throw error instanceof HTTPException ? new Problem('crossSite') : error
    }
  }
}

/** Behind a proxy that ends TLS the request's own address says http. */
export const ownOrigin = ({ protocol, host }: URL, secure: boolean): string =>
  `${secure ? 'https:' : protocol}//${host}`

export const formLimit: MiddlewareHandler = bodyLimit({
  maxSize: maxFormBytes,
  onError: () => {
    throw new Problem('tooLarge')
  },
})
