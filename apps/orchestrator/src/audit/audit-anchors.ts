import { join } from 'node:path'
import type { Config } from '@cidadao/config'
import { createDirectoryAnchor, createFileAnchor, createGitAnchor, createWitnessAnchor, type AnchorSink } from '@cidadao/db'
import { auditFolderOf } from './audit-keys.ts'

/** The configured anchors; without any, a file and a folder beside the database's. */
export function auditAnchorsOf(config: Pick<Config, 'audit' | 'db'>): readonly AnchorSink[] {
  const { file, directory, git, witness } = config.audit.anchors
  const configured = [
    ...(file === undefined ? [] : [createFileAnchor({ path: file })]),
    ...(directory === undefined ? [] : [createDirectoryAnchor({ path: directory })]),
    ...(git === undefined
      ? []
      : [createGitAnchor({ path: git.path, ...(git.remote === undefined ? {} : { remote: git.remote.reveal() }) })]),
    ...(witness === undefined ? [] : [createWitnessAnchor(witness)]),
  ]
  if (configured.length > 0) return configured
  const folder = auditFolderOf(config)
  return [createFileAnchor({ path: join(folder, 'checkpoints.jsonl') }), createDirectoryAnchor({ path: join(folder, 'notes') })]
}
