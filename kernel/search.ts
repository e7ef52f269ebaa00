// Looking for a part of a text: what the statements of stores share.
import { sql } from 'kysely'

/** A pattern of `like` that fits every text with this part in it. */
export const containing = (part: string): string => `%${part.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`

/** In a statement: the adapter of the database does not prepare it. */
export const unpreparedMark = '/* planned for its values */'

/**
 * For a statement that no one plan fits: what many rows have is found soonest by reading them in the order of the page,
 * and what few have by an index. It is planned each time, for the values it comes with.
 */
export const forItsValues = sql.raw(unpreparedMark)
