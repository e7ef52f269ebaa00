// What keeps the embedded database from working, as one line that tells the operator what to do.

/** Its message is one clear line for the operator. */
export class EmbeddedError extends Error {
  override readonly name = 'EmbeddedError'
}

const remedies: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: free some space (an empty database needs about 200 MB)',
  EDQUOT: 'the disk quota is used up: free some space (an empty database needs about 200 MB)',
  EACCES: 'permission denied: let the user who starts aTES write there',
  EPERM: 'not permitted: let the user who starts aTES write there',
  EROFS: 'the file system is read-only',
  ENOENT: 'it cannot be created there',
  ENOTDIR: 'a part of this path is not a directory',
  EEXIST: 'it is not a directory',
  ENAMETOOLONG: 'the path is too long',
}

/** The operator's line for a failed operation of the file system on `path`; keeps what already is one. */
export const explained = (error: unknown, path: string): EmbeddedError => {
  if (error instanceof EmbeddedError) return error
  const { code = '', message } = error as NodeJS.ErrnoException
  const why = remedies[code] ?? message
  return new EmbeddedError(`Cannot use ${path} for the database: ${why}, or set ATES_DATA_DIR to another directory`, {
    cause: error,
  })
}
