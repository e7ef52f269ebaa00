// Text from outside as it may be kept.
import { z } from 'zod'

/** PostgreSQL's text cannot hold U+0000, and lone surrogates are no text. */
export const storableText = z
  .string()
  .refine((value) => !value.includes('\0') && value.isWellFormed(), 'must be valid Unicode without U+0000')
