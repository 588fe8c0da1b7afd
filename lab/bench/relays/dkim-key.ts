import { generateKeyPairSync } from 'node:crypto'
import { writeFileSync } from 'node:fs'

/** A fresh RSA-2048 private key in a file that anybody may read: it lives as long as the bench and signs nothing real. */
export function writeDkimKey(file: string): void {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs1', format: 'pem' },
  })
  writeFileSync(file, privateKey, { mode: 0o644 })
}
