import { existsSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { isSyntaxFault } from '../../standards/fault.ts'
import { readAuthor } from '../../standards/message/author.ts'
import { type HeaderSection, scanHeaderSection } from '../../standards/message/header-section.ts'
import { mailbox, proven } from '../decision/testing/evidence.ts'
import { ip } from '../decision/testing/policy.ts'
import { readM365 } from './m365/read-m365.ts'
import { readTrustFields } from './m365/trust-fields.ts'
import { classOf } from './message-class.ts'
import { ProviderNetworks } from './networks/provider-networks.ts'

/** Header sections of real Exchange Online mail, read as their index says. */

const given = process.env['ANECHOIC_VECTORS']
const vectors = resolve(given ?? '../shared/vectors')
const folder = join(vectors, 'messages', 'm365-headers')
const present = given !== undefined || existsSync(vectors)
if (!present) console.warn('no vectors: set ANECHOIC_VECTORS to read real Exchange Online headers')

type Row = { readonly [column: string]: string }

function rows(): readonly Row[] {
  const [head = '', ...lines] = readFileSync(join(folder, 'index.csv'), 'utf8').trim().split(/\r?\n/)
  const columns = head.split(',')
  return lines.map((line) => {
    const values = line.split(',')
    return Object.fromEntries(columns.map((column, at) => [column, values[at] ?? '']))
  })
}

function sectionOf(file: string): HeaderSection {
  const text = readFileSync(join(folder, file), 'latin1').replace(/\r?\n/g, '\r\n')
  const end = text.indexOf('\r\n\r\n')
  const section = scanHeaderSection(Buffer.from(end === -1 ? text : text.slice(0, end + 2), 'latin1'))
  if (isSyntaxFault(section)) throw new Error(`${file}: ${section.reason}`)
  return section
}

/** The index names what its collector saw; the contract's classes are these. Duplicate headers have no class worth a name. */
const classes: Readonly<Record<string, string>> = {
  'hosted-internal': 'hosted',
  'hosted-no-authas': 'unknown',
  'hybrid-onprem-anonymous': 'hybrid',
}

const text = (value: string) => (value === '' ? null : value)

describe.runIf(present)('real Exchange Online headers', () => {
  const index = present ? rows() : []

  it('are there', () => {
    expect(index.length).toBeGreaterThan(30)
  })

  it.each(index.map((row) => [row['file'] ?? '', row] as const))('%s', (file, row) => {
    const section = sectionOf(file)
    const m365 = readM365(readTrustFields(section), null)
    const author = readAuthor(section, { smtputf8: false })
    if (row['class'] === 'duplicate-headers') {
      expect(m365.duplicates).not.toEqual([])
      return
    }
    expect({
      duplicates: m365.duplicates,
      malformed: m365.malformed,
      conflicts: m365.conflicts,
      tenant: m365.tenant?.value ?? null,
      originator: m365.originator?.value ?? null,
      authAs: m365.authAs,
      entity: m365.entity,
      attributed: m365.attributed,
      author: isSyntaxFault(author) ? author.reason : author.domain,
    }).toEqual({
      duplicates: [],
      malformed: [],
      conflicts: [],
      tenant: row['crosstenant_id'],
      originator: text((row['originator_org'] ?? '').toLowerCase()),
      authAs: text((row['auth_as'] ?? '').toLowerCase()),
      entity: text((row['from_entity'] ?? '').toLowerCase()),
      attributed:
        row['attributed_tenant'] === ''
          ? null
          : { tenant: row['attributed_tenant'], address: row['attributed_ip'], helo: row['attributed_helo'] },
      author: row['header_from_domain'],
    })
    const connection = {
      kind: 'm365',
      network: proven('40.107.0.0/16'),
      certificate: proven('mail.protection.outlook.com'),
      relayPool: false,
      fcrdns: 'off',
    } as const
    const envelope = { reversePath: mailbox('a@acme.example'), srsShaped: false }
    const found = classOf({ connection, m365, envelope, report: false, automatic: false })
    expect(found).toBe(classes[row['class'] ?? ''])
  })

  it('came from addresses that prove Exchange Online', () => {
    const networks = new ProviderNetworks({ m365: null, google: null })
    const addresses = index.map((row) => row['exo_outbound_ip'] ?? '').filter((one) => one !== '')
    expect(addresses.length).toBeGreaterThan(20)
    for (const address of addresses) expect([address, networks.lookup(ip(address)).kind]).toEqual([address, 'm365'])
  })
})
