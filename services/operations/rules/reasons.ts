// Why something waits, in the fixed words that are kept and that the command line prints. Pages know them and say them in
// the reader's language (services/web/texts/notes.ts).

/** Of a comparison: one side cannot be asked. */
export const doesNotAnswer = (service: string): string => `${service} does not answer`

/** Of a comparison: what one side tells is of another history. */
export const isForked = (consumer: string): string => `${consumer} is forked`

/** Of the act that has everything compared, when none of the comparisons has ended. */
export const roundsBegin = 'the rounds begin'

/** The same later; `open` has the name of each comparison under way, or why it waits. */
export const comparing = (open: readonly string[]): string => `comparing: ${open.join(', ')}`

/** Of events that have not arrived, though nothing seems to be in their way. */
export const onlyLate = 'late'

/** Of events that have not arrived, because nobody can ask for them. */
export const producerSilent = (why: string | null): string => `producer does not answer: ${why}`
