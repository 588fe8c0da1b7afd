import { spawnSync } from 'node:child_process'

/** What Python's email package makes of a report: the readers of senders' systems are much like it. */
export type ReadDsn = {
  readonly type: string
  readonly reportType: string | null
  readonly parts: readonly string[]
  readonly defects: readonly string[]
  readonly text: string
  readonly perMessage: { readonly [field: string]: string }
  readonly recipients: readonly { readonly [field: string]: string }[]
  /** The Subject of what is returned. */
  readonly about: string | null
}

const script = `
import sys, json, base64, email, email.policy
def fields(part):
    return {name.lower(): str(value) for name, value in part.items()}
def octets(part):
    if not part.is_multipart():
        return part.get_payload(decode=True)
    inner = part.get_payload()[0]
    if part.get('content-transfer-encoding', '').lower() == 'base64':
        return base64.b64decode(inner.get_payload())
    return inner.as_bytes()
out = []
for line in sys.stdin:
    message = email.message_from_bytes(base64.b64decode(line), policy=email.policy.default)
    parts = list(message.iter_parts())
    status = parts[1]
    if status.get_content_type() == 'message/delivery-status':
        groups = [fields(one) for one in status.get_payload()]
    else:
        text = octets(status).decode('utf-8')
        groups = [fields(email.message_from_string(one + '\\n', policy=email.policy.default)) for one in text.replace('\\r\\n', '\\n').strip().split('\\n\\n')]
    groups = [one for one in groups if one]
    original = email.message_from_bytes(octets(parts[2]), policy=email.policy.default)
    out.append({
        'type': message.get_content_type(),
        'reportType': message['content-type'].params.get('report-type'),
        'parts': [one.get_content_type() for one in parts],
        'defects': [type(one).__name__ for part in [message] + parts for one in part.defects],
        'text': parts[0].get_content(),
        'perMessage': groups[0],
        'recipients': groups[1:],
        'about': original['subject'],
    })
print(json.dumps(out))
`

/** Has Python read reports. Throws where it is missing (Debian: python3). */
export function readDsns(messages: readonly Buffer[]): readonly ReadDsn[] {
  const input = messages.map((message) => message.toString('base64')).join('\n')
  const { status, stdout, stderr, error } = spawnSync('python3', ['-c', script], { input, encoding: 'utf8' })
  if (error !== undefined) throw new Error(`python3 can not be run (Debian: apt-get install python3): ${error.message}`)
  if (status !== 0) throw new Error(`python3 could not read a report: ${stderr}`)
  return JSON.parse(stdout) as readonly ReadDsn[]
}
