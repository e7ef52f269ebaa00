// Where processes of tests keep what they have compiled: starting is most of what many of them do.
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export const compileCache = join(tmpdir(), 'ates-test-compile-cache')
