import { describe, expect, it } from 'vitest'
import { failureOf, load } from './load.ts'

const ORIGIN = 'audit.example.org/prod'
const keyOf = (name: string): string => `PRIVATE+KEY+${name}+0badcafe+${'Ab+/'.repeat(11)}`
const VKEY = `witness.example+0badcafe+${'Ab+/'.repeat(11)}`

describe('the settings of the audit log', () => {
  it('keep the signing key secret wherever it is shown', () => {
    const config = load({ CIDADAO_AUDIT_ORIGIN: ORIGIN, CIDADAO_AUDIT_KEY: keyOf(ORIGIN) })
    expect(config.audit.key?.reveal()).toBe(keyOf(ORIGIN))
    expect(JSON.stringify(config)).not.toContain('Ab+/')
  })

  it('refuse a key of another log, and say which log it has to be of', () => {
    const { problems } = failureOf({ CIDADAO_AUDIT_ORIGIN: ORIGIN, CIDADAO_AUDIT_KEY: keyOf('another.example') })
    expect(problems).toMatchObject([{ variable: 'CIDADAO_AUDIT_KEY', rule: expect.stringContaining(ORIGIN) as string }])
    expect(JSON.stringify(problems)).not.toContain('Ab+/')
  })

  it('take a witness with address and key, and refuse the one without the other', () => {
    const witness = { url: 'https://witness.example/log', vkey: VKEY }
    const both = load({ CIDADAO_AUDIT_WITNESS_URL: witness.url, CIDADAO_AUDIT_WITNESS_KEY: VKEY })
    expect(both.audit.anchors.witness).toEqual(witness)
    expect(failureOf({ CIDADAO_AUDIT_WITNESS_URL: witness.url }).problems).toMatchObject([{ variable: 'CIDADAO_AUDIT_WITNESS_URL' }])
    expect(failureOf({ CIDADAO_AUDIT_WITNESS_KEY: VKEY }).problems).toMatchObject([{ variable: 'CIDADAO_AUDIT_WITNESS_KEY' }])
  })

  it('take the remote of a git anchor as a secret, and only with its repository', () => {
    const remote = 'https://bot:hunter2@git.example/notes'
    const { audit, effective } = load({ CIDADAO_AUDIT_ANCHOR_GIT: 'notes', CIDADAO_AUDIT_ANCHOR_GIT_REMOTE: remote })
    expect(audit.anchors.git?.remote?.reveal()).toBe(remote)
    expect(JSON.stringify(effective)).not.toContain('hunter2')
    expect(failureOf({ CIDADAO_AUDIT_ANCHOR_GIT_REMOTE: remote }).problems).toMatchObject([{ variable: 'CIDADAO_AUDIT_ANCHOR_GIT_REMOTE' }])
  })

  it('warn where a database of somebody else gets no checkpoints', () => {
    const url = 'postgresql://cidadao@db.example/cidadao'
    const kinds = (env: Readonly<Record<string, string>>): readonly string[] => load(env).warnings.map(({ kind }) => kind)
    expect(kinds({ DATABASE_URL: url })).toContain('no-checkpoints')
    expect(kinds({ DATABASE_URL: url, CIDADAO_AUDIT_ORIGIN: ORIGIN, CIDADAO_AUDIT_KEY: keyOf(ORIGIN) })).not.toContain('no-checkpoints')
    expect(kinds({})).not.toContain('no-checkpoints')
  })
})
