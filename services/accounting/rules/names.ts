// How a name is looked for: by the beginnings of its words, in any order.

/** A query for PostgreSQL's text search, in which only letters and digits of the text remain. */
export const nameQueryOf = (text: string): string =>
  (text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? ['?']).map((word) => `'${word}':*`).join(' & ')
