// Counted words: the number in the language's digits and the form of the word that goes with it.

export type PluralForms = Partial<Record<Intl.LDMLPluralRule, string>> & { readonly other: string }

/** `counted(5, { one: 'task', other: 'tasks' })` gives `5 tasks`. */
export type Counted = (count: number, forms: PluralForms) => string

export const pluralizer = (locale: string): Counted => {
  // Made when something is counted: it takes longer than all else about a catalog.
  let rules: Intl.PluralRules | undefined
  let digits: Intl.NumberFormat | undefined
  return (count, forms) => {
    rules ??= new Intl.PluralRules(locale)
    digits ??= new Intl.NumberFormat(locale)
    return `${digits.format(count)} ${forms[rules.select(count)] ?? forms.other}`
  }
}
