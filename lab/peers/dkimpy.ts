import { spawnSync } from 'node:child_process'
import type { Zone } from '../world/zone.ts'

/** Debian's dkimpy, told the DNS it sees: a verifier that shares no line with us. */
const script = `
import base64, dkim, json, sys
asked = json.load(sys.stdin)
message = base64.b64decode(asked['message'])
def txt(name, timeout=5):
    found = asked['txt'].get(name.decode().rstrip('.').lower())
    return None if found is None else found.encode()
verifier = dkim.DKIM(message)
count = sum(1 for name, _ in verifier.headers if name.lower() == b'dkim-signature')
results = []
for index in range(count):
    try:
        passed = dkim.DKIM(message).verify(idx=index, dnsfunc=txt)
    except Exception as error:
        passed = str(error)
    signature = [value for name, value in verifier.headers if name.lower() == b'dkim-signature'][index]
    tags = dkim.util.parse_tag_value(signature)
    results.append({'domain': tags[b'd'].decode(), 'selector': tags[b's'].decode(), 'algorithm': tags[b'a'].decode(), 'pass': passed is True})
print(json.dumps(results))
`

export type DkimpyResult = {
  readonly domain: string
  readonly selector: string
  readonly algorithm: string
  readonly pass: boolean
}

export function dkimpyIsThere(): boolean {
  return spawnSync('/usr/bin/python3', ['-c', 'import dkim, nacl']).status === 0
}

/** Verifies each signature of a message, top first. */
export function verifyWithDkimpy(message: Buffer, zone: Zone): readonly DkimpyResult[] {
  const txt = Object.fromEntries(Object.entries(zone).map(([name, records]) => [name, records.TXT?.join('')]))
  const done = spawnSync('/usr/bin/python3', ['-c', script], {
    input: JSON.stringify({ message: message.toString('base64'), txt }),
  })
  if (done.status !== 0) throw new Error(`dkimpy: ${done.stderr.toString()}`)
  return JSON.parse(done.stdout.toString()) as readonly DkimpyResult[]
}
