import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { errorReference, findDeclaredErrors } from './error-reference.ts'
import { eventReference, findDeclaredEvents } from './event-reference.ts'

/** `npm run docs`: writes the references that are made from the sources. */
const ROOT = join(import.meta.dirname, '../../..')
await writeFile(join(ROOT, 'docs/errors.md'), errorReference(await findDeclaredErrors(ROOT)))
await writeFile(join(ROOT, 'docs/events.md'), eventReference(await findDeclaredEvents(ROOT)))
