import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isSyntaxFault } from '../fault.ts'
import { fileOfDataSet, readKeyTable, readOpendkimConfiguration, readRspamdConfiguration, rspamdKeys } from './index.ts'
import { readUcl } from './ucl.ts'

describe('opendkim', () => {
  test('its configuration, whatever the case of its names', () => {
    const text =
      '# comment\nKeyTable  refile:/etc/opendkim/KeyTable\r\nsigningtable file:/s\nDomain acme.example\nUMask 007\n'
    expect(readOpendkimConfiguration(text)).toEqual({
      keyTable: 'refile:/etc/opendkim/KeyTable',
      signingTable: 'file:/s',
      domain: 'acme.example',
      selector: null,
      keyFile: null,
    })
  })

  test('which data sets are files', () => {
    expect(['file:/a', 'refile:/a', '/a', 'csl:a,b', 'ldap://x', 'a'].map(fileOfDataSet)).toEqual([
      '/a',
      '/a',
      '/a',
      null,
      null,
      null,
    ])
  })

  test('keys with a domain of their own, in files and inline', () => {
    const table = 'k1 acme.example:mail:/keys/mail.private\n# no\nk2\tb.example:s2:MIIEvAIBADANBg==\n'
    expect(readKeyTable(table, null)).toEqual({
      keys: [
        { domain: 'acme.example', selector: 'mail', at: { kind: 'file', path: '/keys/mail.private' } },
        { domain: 'b.example', selector: 's2', at: { kind: 'inline', text: 'MIIEvAIBADANBg==' } },
      ],
      problems: [],
    })
  })

  test('% takes its domains from the signing table, in both of its forms', () => {
    const table = 'shared %:mail:/keys/%/mail.private\nunused %:x:/x\nbroken acme.example\n'
    const signing =
      '*@acme.example shared\nann@acme.example shared\nB.example shared\n.c.example shared\n* shared\n*@*.d.example shared\n'
    const found = readKeyTable(table, signing)
    expect(found.keys.map(({ domain, at }) => [domain, at])).toEqual(
      ['acme.example', 'b.example', 'c.example'].map((domain) => [
        domain,
        { kind: 'file', path: `/keys/${domain}/mail.private` },
      ]),
    )
    expect(found.problems).toEqual([
      'SigningTable *: it names no single domain, so say for which the key shared is',
      'SigningTable *@*.d.example: it names no single domain, so say for which the key shared is',
      'KeyTable unused: its domain is %, and no SigningTable entry uses it',
      'KeyTable broken: it is not domain:selector:key',
    ])
  })
})

describe('rspamd', () => {
  const keysIn = (text: string, selectors: string | null = null, paths: string | null = null) => {
    const read = readRspamdConfiguration(text)
    if (isSyntaxFault(read)) throw new Error(read.reason)
    return rspamdKeys(read, { selectors, paths }).keys.map(({ domain, selector, at }) => [
      domain,
      selector,
      at.kind === 'file' ? at.path : at.text,
    ])
  }

  test('sections of domains, with several selectors', () => {
    const text = `
      # as the manual has it
      domain {
        acme.example { path = "/keys/acme.key"; selector = "ds"; }
        b.example {
          selectors [ { path: "/keys/b1.key", selector: "s1" }, { path: "/keys/b2.key"; selector: "s2" } ]
        }
        "c.example" { selector = 'own' } /* the path of all */
      }
      path = "$DBDIR/dkim/$domain.$selector.key"; allow_username_mismatch = true;`
    expect(keysIn(text)).toEqual([
      ['acme.example', 'ds', '/keys/acme.key'],
      ['b.example', 's1', '/keys/b1.key'],
      ['b.example', 's2', '/keys/b2.key'],
      ['c.example', 'own', '/var/lib/rspamd/dkim/c.example.own.key'],
    ])
  })

  test('maps, and what rspamd takes where nothing is said', () => {
    const read = readRspamdConfiguration(
      'dkim_signing { selector_map = "/m/s.map"; path_map = "file://$LOCAL_CONFDIR/p"; }',
    )
    expect(read).toMatchObject({ selectorMap: '/m/s.map', pathMap: '/etc/rspamd/p' })
    expect(
      keysIn('selector = "all";', 'acme.example one # c\n\nb.example two\n', 'b.example /keys/$selector\n'),
    ).toEqual([
      ['acme.example', 'one', '/var/lib/rspamd/dkim/acme.example.one.key'],
      ['b.example', 'two', '/keys/two'],
    ])
    expect(rspamdKeys(readRspamdConfiguration('') as never, { selectors: null, paths: null })).toEqual({
      keys: [],
      problems: ['it names no domain: say for which domain, selector and file the key is'],
    })
  })

  test.each(['domain {', 'a = "x', 'a [ 1', '}', 'a = ;', `${'a {'.repeat(40)}${'}'.repeat(40)}`])(
    'what is broken is a fault: %s',
    (text) => expect(isSyntaxFault(readUcl(text))).toBe(true),
  )
})

test('no text makes a reader throw', () => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '=',
    ':',
    ';',
    '"',
    "'",
    '#',
    '/*',
    '*/',
    '\\',
    '\n',
    ' ',
    'domain',
    '%',
    'a.b',
  )
  fc.assert(
    fc.property(fc.array(fc.oneof(piece, fc.string({ maxLength: 5 })), { maxLength: 60 }), (pieces) => {
      const text = pieces.join('')
      const read = readRspamdConfiguration(text)
      if (!isSyntaxFault(read)) rspamdKeys(read, { selectors: text, paths: text })
      readKeyTable(text, text)
      readOpendkimConfiguration(text)
    }),
    { numRuns: 100 },
  )
})
