import { type SyntaxFault, syntaxFault } from '../fault.ts'
import { type Element, childrenOf, elementAt } from './der.ts'

/** What RFC 5280 §4.2.1 lets a path validation ask of a certificate and Node's X509Certificate does not tell. */
export type CertificateExtensions = {
  readonly basicConstraints: { readonly ca: boolean; readonly pathLength: number | null } | null
  readonly keyUsage: { readonly digitalSignature: boolean; readonly keyCertSign: boolean } | null
  /** dNSName subtrees in lower case; other kinds of names are not read. */
  readonly nameConstraints: { readonly permitted: readonly string[]; readonly excluded: readonly string[] } | null
  /** dNSName entries of the subject alternative name, in lower case. */
  readonly dnsNames: readonly string[]
  /** Whether an extension is marked critical that nobody here can read: then the certificate must be refused (RFC 5280 §4.2). */
  readonly unknownCritical: boolean
}

const SEQUENCE = 0x30
const BOOLEAN = 0x01
const INTEGER = 0x02
const BIT_STRING = 0x03
const OCTET_STRING = 0x04
const OBJECT_IDENTIFIER = 0x06
const EXTENSIONS = 0xa3
const PERMITTED = 0xa0
const EXCLUDED = 0xa1
const DNS_NAME = 0x82

// id-ce is 2.5.29, octets 55 1d; the last octet names the extension.
const basicConstraintsId = '551d13'
const keyUsageId = '551d0f'
const subjectAltNameId = '551d11'
const nameConstraintsId = '551d1e'
/** Read elsewhere or harmless without policy processing: extended key usage, certificate policies. */
const readElsewhere = ['551d25', '551d20']

/** Reads the extensions of one DER certificate. */
export function readExtensions(der: Buffer): CertificateExtensions | SyntaxFault {
  const found = listExtensions(der)
  if (found === null) return syntaxFault('the certificate is not well-formed DER')
  const byId = new Map(found.map((one) => [one.id, one.value]))
  if (byId.size !== found.length) return syntaxFault('the certificate has an extension twice')
  const basicConstraints = readBasicConstraints(der, byId.get(basicConstraintsId))
  const keyUsage = readKeyUsage(der, byId.get(keyUsageId))
  const nameConstraints = readNameConstraints(der, byId.get(nameConstraintsId))
  const dnsNames = readDnsNames(der, byId.get(subjectAltNameId))
  if (
    basicConstraints === undefined ||
    keyUsage === undefined ||
    nameConstraints === undefined ||
    dnsNames === undefined
  ) {
    return syntaxFault('the certificate has a malformed extension')
  }
  const known = [basicConstraintsId, keyUsageId, subjectAltNameId, nameConstraintsId, ...readElsewhere]
  const unknownCritical = found.some((one) => one.critical && !known.includes(one.id))
  return { basicConstraints, keyUsage, nameConstraints, dnsNames, unknownCritical }
}

type Extension = { readonly id: string; readonly critical: boolean; readonly value: Element }

function listExtensions(der: Buffer): readonly Extension[] | null {
  const certificate = elementAt(der, 0, der.length)
  const signed = certificate?.tag === SEQUENCE ? elementAt(der, certificate.from, certificate.to) : null
  const fields = signed?.tag === SEQUENCE ? childrenOf(der, signed) : null
  if (fields === null) return null
  const wrapper = fields.find((field) => field.tag === EXTENSIONS)
  if (wrapper === undefined) return []
  const list = elementAt(der, wrapper.from, wrapper.to)
  const entries = list?.tag === SEQUENCE ? childrenOf(der, list) : null
  if (entries === null) return null
  const extensions = entries.map((entry) => readExtension(der, entry))
  return extensions.every((one) => one !== null) ? extensions : null
}

function readExtension(der: Buffer, entry: Element): Extension | null {
  const parts = entry.tag === SEQUENCE ? childrenOf(der, entry) : null
  const [id, second, third] = parts ?? []
  const octets = third ?? second
  if (id?.tag !== OBJECT_IDENTIFIER || octets?.tag !== OCTET_STRING) return null
  const critical = third !== undefined && second?.tag === BOOLEAN && der[second.from] !== 0
  const value = elementAt(der, octets.from, octets.to)
  if (value === null) return null
  return { id: der.toString('hex', id.from, id.to), critical, value }
}

/** undefined: malformed. null: absent. */
function readBasicConstraints(
  der: Buffer,
  value: Element | undefined,
): CertificateExtensions['basicConstraints'] | undefined {
  if (value === undefined) return null
  const parts = value.tag === SEQUENCE ? childrenOf(der, value) : null
  if (parts === null) return undefined
  const flag = parts.find((part) => part.tag === BOOLEAN)
  const length = parts.find((part) => part.tag === INTEGER)
  if (length !== undefined && length.to - length.from !== 1) return undefined
  const pathLength = length === undefined ? null : (der[length.from] ?? 0)
  return { ca: flag !== undefined && der[flag.from] !== 0, pathLength }
}

function readKeyUsage(der: Buffer, value: Element | undefined): CertificateExtensions['keyUsage'] | undefined {
  if (value === undefined) return null
  if (value.tag !== BIT_STRING || value.to - value.from < 2) return undefined
  const bits = der[value.from + 1] ?? 0
  return { digitalSignature: (bits & 0x80) !== 0, keyCertSign: (bits & 0x04) !== 0 }
}

function readNameConstraints(
  der: Buffer,
  value: Element | undefined,
): CertificateExtensions['nameConstraints'] | undefined {
  if (value === undefined) return null
  const lists = value.tag === SEQUENCE ? childrenOf(der, value) : null
  if (lists === null) return undefined
  const permitted = subtrees(
    der,
    lists.find((list) => list.tag === PERMITTED),
  )
  const excluded = subtrees(
    der,
    lists.find((list) => list.tag === EXCLUDED),
  )
  return permitted === null || excluded === null ? undefined : { permitted, excluded }
}

function subtrees(der: Buffer, list: Element | undefined): readonly string[] | null {
  if (list === undefined) return []
  const names: string[] = []
  for (const tree of childrenOf(der, list) ?? [null]) {
    const base = tree === null ? null : elementAt(der, tree.from, tree.to)
    if (base === null) return null
    if (base.tag === DNS_NAME) names.push(der.toString('latin1', base.from, base.to).toLowerCase())
  }
  return names
}

function readDnsNames(der: Buffer, value: Element | undefined): readonly string[] | undefined {
  if (value === undefined) return []
  const names = value.tag === SEQUENCE ? childrenOf(der, value) : null
  return names
    ?.filter((name) => name.tag === DNS_NAME)
    .map((name) => der.toString('latin1', name.from, name.to).toLowerCase())
}
