import { readFileSync } from 'node:fs'

/** The certificates in a PEM file, each as one text. Throws, naming the file, when it cannot be read or holds none. */
export function readCertificates(file: string): readonly string[] {
  const found = readFileSync(file, 'utf8').match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g)
  if (found === null) throw new Error(`${file} holds no certificate`)
  return found
}
