import { copyLimit, defaultLimits, trialBudget } from './limits.ts'
import { type RuleId, ruleOrder, rules } from './rules.ts'

/** The text of `docs/rules.md`. */
export function rulesDocument(): string {
  return `# Why a message was refused, deferred, held or accepted

<!-- Written from src/path/decision/rules.ts; change it there, then run its test with UPDATE=1. -->

Each message that reaches this relay is judged by the rules below, in this order, and the first that applies answers. The reply is one line:

    CODE X.Y.Z [rule-id] plain words (decision-id)

\`550\`, \`552\` and \`554\` refuse for good; \`451\` and \`452\` ask the sending server to try again, which it does by itself; \`250\` accepts.
\`anechoic why DECISION-ID\` tells what was seen, what was proven and what would make the message pass.
Nothing is accepted because no rule objected: the last rule asks that every leg of the permission be there.

## Limits

A grant may set its own limits. Where it sets none, these hold: ${number(defaultLimits.messagesPerHour)} messages an hour,
${number(defaultLimits.messagesPerDay)} messages a day, ${number(defaultLimits.recipientsPerHour)} recipients an hour, ${number(defaultLimits.recipientsPerDay)} recipients a day,
${number(defaultLimits.recipientsPerMessage)} recipients in one message. A customer on trial has, over all its sources together,
${number(trialBudget.recipientsPerHour)} recipients an hour and ${number(trialBudget.recipientsPerDay)} a day. Only what is accepted or held counts. One and the same message
of Exchange Online or of a Workspace reaches at most ${number(copyLimit)} distinct recipients a day, in whatever envelopes it is handed in; an envelope
that adds no recipient is a retry. Windows move in
steps of five minutes: room may come free up to five minutes later than the hour or the day is over, never earlier.

## Rules

| rule | reply | in short |
|---|---|---|
${ruleOrder.map((rule) => `| [\`${rule}\`](#${rule}) | ${rules[rule].code} ${rules[rule].enhanced} | ${rules[rule].title} |`).join('\n')}

${ruleOrder.map(section).join('\n')}
## Feedback listeners

Where reports about our mail come in nothing is judged by these rules but form, size and rate. Two more words are said there:

    550 5.1.1 [unknown-recipient] nobody here has this address
    250 2.0.0 [feedback-accepted] the report is kept (id)

**unknown-recipient.** Mail is taken for the addresses of \`feedback.addresses\`, for postmaster and abuse, and for return-path addresses of ours that are
younger than three weeks and unchanged. A bounce that hears this was sent to an address that we never gave out, or too late.

**feedback-accepted.** The report is on disk. Nothing of it is sent on. \`anechoic why ID\` tells what it was and about which message.
`
}

/** What a person whose mail met this rule should read. */
function section(rule: RuleId): string {
  const { code, enhanced, wire, title, happened, remedy, fixer } = rules[rule]
  return `### ${rule}

**${title}.** ${happened}

What to do: ${remedy}

Who can put it right: ${fixer}.

    ${code} ${enhanced} [${rule}] ${wire(null)} (decision-id)
`
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}
