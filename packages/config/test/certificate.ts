import { createPrivateKey } from 'node:crypto'

/** A self-signed certificate for the key below; nothing trusts it. */
export const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBLzCB4qADAgECAgEBMAUGAytlcDAWMRQwEgYDVQQDDAtjb25maWcgdGVzdDAg
Fw0yNjExMjMwNDAxMzFaGA8yMTI2MTAzMDA0MDEzMVowFjEUMBIGA1UEAwwLY29u
ZmlnIHRlc3QwKjAFBgMrZXADIQCKiOPddAnxlf1S2y08ul1yymcJvx2UEhvzdIgB
tA9vXKNTMFEwHQYDVR0OBBYEFJrRng8W7vcUy5DG8ZXbzmbpRYD5MB8GA1UdIwQY
MBaAFJrRng8W7vcUy5DG8ZXbzmbpRYD5MA8GA1UdEwEB/wQFMAMBAf8wBQYDK2Vw
A0EA0XfVNfWL5q4HQ1maPYBTl5abFTJ44AM5XYRUPjmkktCXXY7rZXnI/6P149Bb
D/9Al/RWny01J92vAvNH91CEBw==
-----END CERTIFICATE-----
`

/** Made of a fixed seed, so that no key file lies in the repository. The certificate belongs to the seed of ones. */
export function privateKeyOf(seedByte: number): string {
  const pkcs8Ed25519 = Buffer.from('302e020100300506032b657004220420', 'hex')
  const der = Buffer.concat([pkcs8Ed25519, Buffer.alloc(32, seedByte)])
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }).export({ format: 'pem', type: 'pkcs8' }).toString()
}
