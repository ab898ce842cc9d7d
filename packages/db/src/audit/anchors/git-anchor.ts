import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { AnchorUnavailableError } from './anchor-errors.ts'
import { KEPT, type AnchorReceipt, type AnchorSink, type AnchorSubmission } from './anchor-sink.ts'
import { claimedCheckpoint, isNews } from './note-comparison.ts'

export interface GitAnchorOptions {
  /** @default 'git' */
  readonly name?: string
  /** A repository, made as a bare one where there is none. Its working tree and index are not touched. */
  readonly path: string
  /** The branch that gets a commit for each checkpoint. @default 'audit-checkpoints' */
  readonly branch?: string
  /** Where each commit is pushed before `put` resolves: an anchor on the same disk alone proves little. @default none */
  readonly remote?: string
  /** The program. @default 'git' */
  readonly program?: string
}

const FILE = 'checkpoint'
const NO_COMMIT = '0'.repeat(40)
/** Neither the user's settings nor a terminal take part: a hook, a signing key or a question would stop the commit. */
const SETTINGS = [
  'user.name=cidadao-audit',
  'user.email=audit@localhost',
  'commit.gpgSign=false',
  'gc.auto=0',
  'core.fsync=committed',
  'core.hooksPath=/dev/null',
  'core.askPass=true',
].flatMap((setting) => ['-c', setting])

/**
 * A git repository: one commit a checkpoint, the note in the file `checkpoint`. The branch is moved only from the commit
 * that was looked at, so that two processes cannot lose each other's.
 */
export function createGitAnchor(options: GitAnchorOptions): AnchorSink {
  const { name = 'git' } = options
  return {
    name,
    latest: async ({ signal }) => {
      const { note } = await new Repository(options, signal).tip()
      return note === undefined ? { kind: 'nothing' } : { kind: 'note', note }
    },
    put: ({ note, signal }: AnchorSubmission) => commit(name, new Repository(options, signal), note),
  }
}

async function commit(name: string, repository: Repository, note: string): Promise<AnchorReceipt> {
  await repository.prepare()
  const tip = await repository.tip()
  if (isNews(name, tip.note, note)) await repository.add(note, tip.commit)
  return KEPT
}

interface Tip {
  readonly commit: string | undefined
  readonly note: string | undefined
}

class Repository {
  readonly #options: GitAnchorOptions
  readonly #signal: AbortSignal
  readonly #branch: string

  constructor(options: GitAnchorOptions, signal: AbortSignal) {
    this.#options = options
    this.#signal = signal
    this.#branch = `refs/heads/${options.branch ?? 'audit-checkpoints'}`
  }

  async prepare(): Promise<void> {
    if ((await this.#attempt(['rev-parse', '--git-dir'])) !== undefined) return
    await this.#run(['init', '--quiet', '--bare', this.#options.path], { at: 'anywhere' })
  }

  /** Of the remote where there is one: only what reached it is kept. */
  async tip(): Promise<Tip> {
    const { remote } = this.#options
    const ref = remote === undefined ? this.#branch : await this.#fetch(remote)
    const commit = ref === undefined ? undefined : (await this.#attempt(['rev-parse', '--verify', '--quiet', `${ref}^{commit}`]))?.trim()
    return { commit, note: commit === undefined ? undefined : await this.#run(['cat-file', 'blob', `${commit}:${FILE}`]) }
  }

  async add(note: string, parent: string | undefined): Promise<void> {
    const blob = await this.#run(['hash-object', '-w', '--stdin'], { input: note })
    const tree = await this.#run(['mktree'], { input: `100644 blob ${blob.trim()}\t${FILE}\n` })
    const message = `checkpoint ${claimedCheckpoint(note).size}\n`
    const parents = parent === undefined ? [] : ['-p', parent]
    const commit = await this.#run(['commit-tree', tree.trim(), ...parents], { input: message })
    await this.#move(commit.trim(), parent)
  }

  /** Refused where somebody else has moved the branch since its tip was read: by git itself, or by the remote. */
  async #move(commit: string, from: string | undefined): Promise<void> {
    const { remote } = this.#options
    if (remote === undefined) {
      await this.#run(['update-ref', this.#branch, commit, from ?? NO_COMMIT])
      return
    }
    // This very commit, and not the local branch, which another process may have moved; that one follows the remote.
    await this.#run(['push', '--quiet', remote, `${commit}:${this.#branch}`])
    await this.#run(['update-ref', this.#branch, commit])
  }

  async #fetch(remote: string): Promise<string | undefined> {
    if ((await this.#attempt(['rev-parse', '--git-dir'])) === undefined) await this.prepare()
    const listed = await this.#run(['ls-remote', remote, this.#branch])
    if (listed.trim() === '') return undefined
    await this.#run(['fetch', '--quiet', remote, this.#branch])
    return 'FETCH_HEAD'
  }

  /** Undefined where git says no by its exit code, as it does for what is not there. */
  async #attempt(args: readonly string[]): Promise<string | undefined> {
    try {
      return await this.#run(args)
    } catch (error) {
      if (error instanceof AnchorUnavailableError && typeof exitCodeOf(error.cause) === 'number') return undefined
      throw error
    }
  }

  async #run(args: readonly string[], how: { readonly input?: string; readonly at?: 'anywhere' } = {}): Promise<string> {
    const { name = 'git', path, program = 'git' } = this.#options
    const place = how.at === 'anywhere' ? [] : ['-C', path]
    const running = promisify(execFile)(program, [...SETTINGS, ...place, ...args], { signal: this.#signal, windowsHide: true })
    // A program that is missing, or ends without reading, is told by the promise.
    running.child.stdin?.on('error', () => {})
    running.child.stdin?.end(how.input ?? '')
    try {
      return (await running).stdout
    } catch (error) {
      // Neither arguments nor output: the remote's address may hold a password.
      throw new AnchorUnavailableError(name, `git ${args[0] ?? ''} failed (${exitCodeOf(error) ?? 'no answer'})`, withoutCommand(error))
    }
  }
}

function exitCodeOf(error: unknown): string | number | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' || typeof code === 'number' ? code : undefined
}

/** The driver of child processes writes the whole command line into its error. */
function withoutCommand(error: unknown): Error {
  return Object.assign(new Error('git did not succeed'), { code: exitCodeOf(error) })
}
