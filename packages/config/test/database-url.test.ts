import { describe, expect, it } from 'vitest'
import { CERTIFICATE, privateKeyOf } from './certificate.ts'
import { failureOf, load } from './load.ts'

const URL_OF_SEED = 'postgresql+asyncpg://cidadao:password@localhost:5432/cidadao_ai'

describe('DATABASE_URL', () => {
  it.each([
    [URL_OF_SEED, 'postgresql://cidadao:password@localhost:5432/cidadao_ai'],
    ['postgres://u:p@db/x', 'postgresql://u:p@db/x'],
    ['POSTGRESQL://u@db/x', 'postgresql://u@db/x'],
    ['postgresql+psycopg2://u:p@db/x', 'postgresql://u:p@db/x'],
    ['postgresql://u:p%40%2F@[::1]:6432/x?connect_timeout=3', 'postgresql://u:p%40%2F@[::1]:6432/x?connect_timeout=3'],
    ['postgresql://u:a@b@db/x', 'postgresql://u:a%40b@db/x'],
    ['postgresql:///x?host=/var/run/postgresql', 'postgresql:///x?host=/var/run/postgresql'],
  ])('normalises %s', (text, normal) => {
    expect(load({ DATABASE_URL: text }).db.url?.reveal()).toBe(normal)
  })

  it.each([
    ['mysql://u:hunter2@db/x', 'its scheme is mysql://'],
    ['hunter2', 'does not start with postgresql://'],
    ['postgresql://u:hunter2/@db/x', 'cannot be parsed'],
    ['postgresql://u:hunter2@db:99999/x', 'cannot be parsed'],
    ['postgresql://u:hunter2@db:0/x', 'its port is 0'],
    ['postgresql://u:hunter2@db1,db2/x', 'several hosts'],
    ['postgresql://u:hunter2@db', 'names no database'],
    ['postgresql://u:hunter2@db/', 'names no database'],
    ['postgresql:///x', 'no host'],
    ['postgresql://u:hunter2%zz@db/x', 'write it as %25'],
    ['postgresql://u@db/x#hunter2', 'write it as %23'],
    ['postgresql://u@db/x?password=hunter2', 'a password among its parameters'],
    ['postgresql://u:hunter2@db/x?sslmode=prefer', 'sslmode is not one of'],
    ['postgresql://u:hunter2@db/x?sslmode=require&ssl=disable', 'sslmode is not one of'],
    ['postgresql://u:hunter2@db/x?sslrootcert=/ca.pem', 'use DATABASE_SSL_CA_FILE'],
  ])('refuses %s with a precise reason and without showing it', (text, reason) => {
    const error = failureOf({ DATABASE_URL: text })
    expect(error.message).toContain(reason)
    expect(error.message).toContain('received ***')
    expect(JSON.stringify([error, error.problems, error.facts, error.message])).not.toContain('hunter2')
  })

  it('takes the password from DATABASE_PASSWORD, whatever characters it has', () => {
    const { url } = load({ DATABASE_URL: 'postgresql://u@db/x', DATABASE_PASSWORD: 'p@:/#?% ç' }).db
    const password = decodeURIComponent(new URL(url?.reveal() ?? '').password)
    expect(password).toBe('p@:/#?% ç')
    expect(url?.display).toBe('postgresql://u:***@db/x')
  })

  it('refuses two passwords, and a password without a server', () => {
    expect(failureOf({ DATABASE_URL: URL_OF_SEED, DATABASE_PASSWORD: 'x' }).message).toContain('while DATABASE_URL has a password too')
    expect(failureOf({ DATABASE_PASSWORD: 'x' }).message).toContain('DATABASE_PASSWORD must come with DATABASE_URL')
  })
})

describe('TLS to the database', () => {
  const url = 'postgresql://u:p@db/x'

  it('is off unless asked for, and then has one source', () => {
    expect(load({ DATABASE_URL: url }).db.ssl).toEqual({ mode: 'disable' })
    const fromUrl = load({ DATABASE_URL: `${url}?sslmode=verify-full&connect_timeout=3` }).db
    expect(fromUrl.ssl).toEqual({ mode: 'verify-full' })
    expect(fromUrl.url?.reveal()).toBe(`${url}?connect_timeout=3`)
    expect(load({ DATABASE_URL: `${url}?ssl=require`, DATABASE_SSL_MODE: 'require' }).db.ssl).toEqual({ mode: 'require' })
  })

  it('takes certificates and key as PEM text, also written in one line', () => {
    const { ssl } = load({
      DATABASE_URL: url,
      DATABASE_SSL_MODE: 'verify-full',
      DATABASE_SSL_CA: CERTIFICATE + CERTIFICATE,
      DATABASE_SSL_CERT: CERTIFICATE.replaceAll('\n', '\\n'),
      DATABASE_SSL_KEY: privateKeyOf(1),
    }).db
    expect(ssl).toMatchObject({ mode: 'verify-full', ca: CERTIFICATE + CERTIFICATE, cert: CERTIFICATE })
    expect(ssl.mode === 'disable' ? undefined : ssl.key?.reveal()).toBe(privateKeyOf(1))
  })

  it.each([
    [{ DATABASE_SSL_MODE: 'require', DATABASE_SSL_CERT: CERTIFICATE }, 'DATABASE_SSL_CERT must come with DATABASE_SSL_KEY'],
    [{ DATABASE_SSL_MODE: 'require', DATABASE_SSL_KEY: privateKeyOf(1) }, 'DATABASE_SSL_KEY must come with DATABASE_SSL_CERT'],
    [
      { DATABASE_SSL_MODE: 'require', DATABASE_SSL_CERT: CERTIFICATE, DATABASE_SSL_KEY: privateKeyOf(2) },
      'DATABASE_SSL_CERT must belong to the key in DATABASE_SSL_KEY',
    ],
    [{ DATABASE_SSL_CA: CERTIFICATE }, 'DATABASE_SSL_CA must not be set while TLS is off'],
    [{ DATABASE_SSL_CERT: CERTIFICATE, DATABASE_SSL_KEY: privateKeyOf(1) }, 'DATABASE_SSL_CERT must not be set while TLS is off'],
    [{ DATABASE_SSL_MODE: 'require', DATABASE_SSL_CA: CERTIFICATE }, 'DATABASE_SSL_CA must not be set with the mode require'],
    [{ DATABASE_SSL_MODE: 'verify-ca', DATABASE_SSL_CA: CERTIFICATE.replace('MIIB', 'XXXX') }, 'certificate 1 cannot be read'],
    [
      { DATABASE_SSL_MODE: 'verify-ca', DATABASE_URL: `${url}?sslmode=require` },
      'must not differ from the sslmode require of DATABASE_URL',
    ],
  ])('refuses settings that contradict each other (%#)', (env, message) => {
    expect(failureOf({ DATABASE_URL: url, ...env }).message).toContain(message)
  })

  it('refuses TLS to the embedded database', () => {
    expect(failureOf({ DATABASE_SSL_MODE: 'require' }).message).toContain('DATABASE_SSL_MODE must come with DATABASE_URL')
  })
})
