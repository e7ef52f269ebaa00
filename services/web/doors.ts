// All that web answers beside its pages, by path. What is neither here nor a page is not found; tests of access go over
// both, so that nothing is answered that nobody has thought of.

/** With the pages: their files, and hints that something has changed. */
export const besidePages = ['/assets/*', '/live'] as const

/** Before the pages: what is only read, and what says itself which verbs it answers. */
export const beforePages = {
  '/health/live': 'read',
  '/health/ready': 'read',
  '/api/openapi.json': 'read',
  '/api/*': 'any verb',
} as const

export const verbsOfReading: readonly string[] = ['GET', 'HEAD']

export type BeforePages = keyof typeof beforePages

const paths = Object.keys(beforePages) as BeforePages[]

/** Which of those before the pages answers at this path; undefined where it is a page's. */
export const doorAt = (pathname: string): BeforePages | undefined =>
  paths.find((path) => (path.endsWith('*') ? pathname.startsWith(path.slice(0, -1)) : pathname === path))
