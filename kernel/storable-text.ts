// Text from outside as it may be kept.
import { z } from 'zod'

/** PostgreSQL's text cannot hold U+0000, and lone surrogates are no text. Lengths are in UTF-16 code units. */
export const storableText = (least: number, most: number) =>
  z
    .string()
    .min(least)
    .max(most)
    .refine((value) => !value.includes('\0') && value.isWellFormed(), 'must be valid Unicode without U+0000')
