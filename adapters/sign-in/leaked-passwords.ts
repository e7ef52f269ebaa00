// The passwords that people choose most, as a bundled list: nobody is asked over the network.

let known: Promise<ReadonlySet<string>> | undefined

const read = async (): Promise<ReadonlySet<string>> => {
  const { dictionary } = await import('@zxcvbn-ts/language-common')
  return new Set(dictionary['passwords-common'])
}

/** About 49,000, in lower case. Read when first asked for. */
export const commonPasswords = (): Promise<ReadonlySet<string>> => (known ??= read())
