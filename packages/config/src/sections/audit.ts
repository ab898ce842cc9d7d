import { resolve } from 'node:path'
import { milliseconds, wholeNumber } from '../rules/number-rules.ts'
import { defineRule, refuse, type Rule } from '../rules/rule.ts'
import { matching, path, secretText } from '../rules/text-rules.ts'
import type { Secret } from '../secret.ts'
import { defineSection, type Section } from '../section.ts'
import { optionalVariable, variable } from '../variable.ts'

export interface AuditConfig {
  /** Name of this deployment's log. It is part of every hash, so it must differ between deployments and never change. */
  readonly origin: string
  /** Signs the checkpoints. Absent: the application decides, for instance by a key of its own beside the embedded database. */
  readonly key?: Secret
  /** Public keys that the log had before, as verifier keys. */
  readonly formerKeys: readonly string[]
  readonly anchors: AuditAnchorsConfig
  /** Longest time that a new entry waits for its checkpoint. */
  readonly checkpointIntervalMs: number
  /** New entries that are not made to wait. */
  readonly checkpointEntries: number
  /** Between two verifications of what is new. */
  readonly verifyIntervalMs: number
  /** Hour of the day, UTC, at which everything is verified again. */
  readonly fullVerifyHourUtc: number
}

/** Where checkpoints are kept, out of reach of the database's owner; paths are absolute. */
export interface AuditAnchorsConfig {
  readonly file?: string
  readonly directory?: string
  readonly git?: { readonly path: string; readonly remote?: Secret }
  readonly witness?: { readonly url: string; readonly vkey: string }
}

export const DEFAULT_AUDIT_ORIGIN = 'audit.cidadao.local/embedded'

const VERIFIER_KEY = /^[!-*,-~]{1,255}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{43,44}={0,2}$/

const verifierKey: Rule<string> = matching('a verifier key, name+id+base64', VERIFIER_KEY)

const verifierKeys: Rule<readonly string[]> = defineRule({
  text: 'verifier keys, each name+id+base64, with one space between two',
  parse: (text) => {
    const keys = text.split(' ')
    return keys.every((key) => VERIFIER_KEY.test(key)) ? keys : refuse()
  },
})

const webAddress: Rule<string> = defineRule({
  text: 'an http or https URL without user and password',
  parse: (text) => (/^https?:\/\/[^\s@]+$/.test(text) && URL.canParse(text) ? text : refuse()),
})

export const auditSection: Section<AuditConfig> = defineSection({
  name: 'audit',
  title: 'Audit log',
  variables: {
    // Signed notes end the name at a space and the key at a `+`.
    CIDADAO_AUDIT_ORIGIN: variable(matching('1 to 255 printable ASCII characters without spaces or +', /^[!-*,-~]{1,255}$/), {
      field: 'audit.origin',
      default: DEFAULT_AUDIT_ORIGIN,
      doc: 'Name of this deployment’s log, for instance `audit.example.org/prod`. Choose it before the first entry and keep it.',
    }),
    CIDADAO_AUDIT_KEY: optionalVariable(
      secretText('a signing key, PRIVATE+KEY+name+id+base64', /^PRIVATE\+KEY\+[!-*,-~]{1,255}\+[0-9a-f]{8}\+[A-Za-z0-9+/]{44}$/),
      {
        field: 'audit.key',
        file: true,
        unset:
          'with the embedded PostgreSQL a key made at the first use, in `.cidadao-audit/key` beside its folder; with `DATABASE_URL` no checkpoints',
        doc: 'Key that signs checkpoints of the log, the same for all processes; `cidadao audit key --new` makes one.',
      },
    ),
    CIDADAO_AUDIT_FORMER_KEYS: optionalVariable(verifierKeys, {
      field: 'audit.formerKeys',
      unset: 'none',
      doc: 'Public keys that the log had before, so that what they signed still counts.',
    }),
    CIDADAO_AUDIT_ANCHOR_FILE: optionalVariable(path, {
      field: 'audit.anchors.file',
      unset: 'without any other anchor `.cidadao-audit/checkpoints.jsonl` beside `CIDADAO_DATA_DIR`',
      doc: 'File to which each checkpoint is added; relative to the working directory. Best on another disk or machine than the database.',
    }),
    CIDADAO_AUDIT_ANCHOR_DIR: optionalVariable(path, {
      field: 'audit.anchors.directory',
      unset: 'without any other anchor `.cidadao-audit/notes` beside `CIDADAO_DATA_DIR`',
      doc: 'Folder that gets a file for each checkpoint; relative to the working directory.',
    }),
    CIDADAO_AUDIT_ANCHOR_GIT: optionalVariable(path, {
      field: 'audit.anchors.git.path',
      unset: 'none',
      doc: 'Git repository that gets a commit for each checkpoint, made where there is none; relative to the working directory.',
    }),
    CIDADAO_AUDIT_ANCHOR_GIT_REMOTE: optionalVariable(
      secretText('a remote name or address without spaces', /^[^\s\p{Cc}-][^\s\p{Cc}]*$/u),
      {
        field: 'audit.anchors.git.remote',
        file: true,
        unset: 'not pushed',
        doc: 'Where each of these commits is pushed. May hold a password.',
      },
    ),
    CIDADAO_AUDIT_WITNESS_URL: optionalVariable(webAddress, {
      field: 'audit.anchors.witness.url',
      unset: 'none',
      doc: 'Submission prefix of a witness that speaks C2SP tlog-witness.',
    }),
    CIDADAO_AUDIT_WITNESS_KEY: optionalVariable(verifierKey, {
      field: 'audit.anchors.witness.vkey',
      unset: 'none',
      doc: 'Public key of that witness, as verifier key.',
    }),
    CIDADAO_AUDIT_CHECKPOINT_INTERVAL_MS: variable(milliseconds({ min: 100, max: 86_400_000 }), {
      field: 'audit.checkpointIntervalMs',
      default: '60000',
      doc: 'Longest time that a new entry waits for its checkpoint.',
    }),
    CIDADAO_AUDIT_CHECKPOINT_ENTRIES: variable(wholeNumber({ min: 1, max: 1_000_000 }), {
      field: 'audit.checkpointEntries',
      default: '1000',
      doc: 'New entries that are not made to wait for it.',
    }),
    CIDADAO_AUDIT_VERIFY_INTERVAL_MS: variable(milliseconds({ min: 1_000, max: 86_400_000 }), {
      field: 'audit.verifyIntervalMs',
      default: '300000',
      doc: 'Time between two verifications of what is new.',
    }),
    CIDADAO_AUDIT_VERIFY_HOUR_UTC: variable(wholeNumber({ min: 0, max: 23 }), {
      field: 'audit.fullVerifyHourUtc',
      default: '5',
      doc: 'Hour of the day, UTC, at which the whole log is verified.',
    }),
  },
  contradictions: [
    {
      of: ['CIDADAO_AUDIT_KEY', 'CIDADAO_AUDIT_ORIGIN'],
      find: ({ CIDADAO_AUDIT_KEY: key, CIDADAO_AUDIT_ORIGIN: origin }) =>
        key !== undefined && nameOf(key) !== origin ? `must be of the log in CIDADAO_AUDIT_ORIGIN, which is ${origin}` : undefined,
    },
    {
      of: ['CIDADAO_AUDIT_ANCHOR_GIT_REMOTE', 'CIDADAO_AUDIT_ANCHOR_GIT'],
      find: ({ CIDADAO_AUDIT_ANCHOR_GIT_REMOTE: remote, CIDADAO_AUDIT_ANCHOR_GIT: git }) =>
        remote !== undefined && git === undefined ? 'must come with CIDADAO_AUDIT_ANCHOR_GIT' : undefined,
    },
    {
      of: ['CIDADAO_AUDIT_WITNESS_URL', 'CIDADAO_AUDIT_WITNESS_KEY'],
      find: ({ CIDADAO_AUDIT_WITNESS_URL: url, CIDADAO_AUDIT_WITNESS_KEY: key }) =>
        url !== undefined && key === undefined ? 'must come with CIDADAO_AUDIT_WITNESS_KEY' : undefined,
    },
    {
      of: ['CIDADAO_AUDIT_WITNESS_KEY', 'CIDADAO_AUDIT_WITNESS_URL'],
      find: ({ CIDADAO_AUDIT_WITNESS_URL: url, CIDADAO_AUDIT_WITNESS_KEY: key }) =>
        url === undefined && key !== undefined ? 'must come with CIDADAO_AUDIT_WITNESS_URL' : undefined,
    },
  ],
  build: (values, { cwd }) => ({
    origin: values.CIDADAO_AUDIT_ORIGIN,
    ...(values.CIDADAO_AUDIT_KEY === undefined ? {} : { key: values.CIDADAO_AUDIT_KEY }),
    formerKeys: values.CIDADAO_AUDIT_FORMER_KEYS ?? [],
    anchors: toAnchors(values, cwd),
    checkpointIntervalMs: values.CIDADAO_AUDIT_CHECKPOINT_INTERVAL_MS,
    checkpointEntries: values.CIDADAO_AUDIT_CHECKPOINT_ENTRIES,
    verifyIntervalMs: values.CIDADAO_AUDIT_VERIFY_INTERVAL_MS,
    fullVerifyHourUtc: values.CIDADAO_AUDIT_VERIFY_HOUR_UTC,
  }),
})

interface AnchorValues {
  readonly CIDADAO_AUDIT_ANCHOR_FILE: string | undefined
  readonly CIDADAO_AUDIT_ANCHOR_DIR: string | undefined
  readonly CIDADAO_AUDIT_ANCHOR_GIT: string | undefined
  readonly CIDADAO_AUDIT_ANCHOR_GIT_REMOTE: Secret | undefined
  readonly CIDADAO_AUDIT_WITNESS_URL: string | undefined
  readonly CIDADAO_AUDIT_WITNESS_KEY: string | undefined
}

function toAnchors(values: AnchorValues, cwd: string): AuditAnchorsConfig {
  const { CIDADAO_AUDIT_ANCHOR_FILE: file, CIDADAO_AUDIT_ANCHOR_DIR: directory, CIDADAO_AUDIT_ANCHOR_GIT: git } = values
  const { CIDADAO_AUDIT_ANCHOR_GIT_REMOTE: remote, CIDADAO_AUDIT_WITNESS_URL: url, CIDADAO_AUDIT_WITNESS_KEY: vkey } = values
  return {
    ...(file === undefined ? {} : { file: resolve(cwd, file) }),
    ...(directory === undefined ? {} : { directory: resolve(cwd, directory) }),
    ...(git === undefined ? {} : { git: { path: resolve(cwd, git), ...(remote === undefined ? {} : { remote }) } }),
    ...(url === undefined || vkey === undefined ? {} : { witness: { url, vkey } }),
  }
}

/** The name stands in the key's text: `PRIVATE+KEY+name+id+base64`. */
function nameOf(key: Secret): string | undefined {
  return key.reveal().split('+')[2]
}
