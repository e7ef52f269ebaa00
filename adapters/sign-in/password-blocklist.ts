// The passwords that people choose most and that guessers therefore try first: a bundled list, nobody is asked over the network.

let known: Promise<ReadonlySet<string>> | undefined

const read = async (): Promise<ReadonlySet<string>> => {
  const { dictionary } = await import('@zxcvbn-ts/language-common')
  return new Set(dictionary['passwords-common'])
}

/** About 49,000, in lower case. Read when first asked for. */
export const passwordBlocklist = (): Promise<ReadonlySet<string>> => (known ??= read())
