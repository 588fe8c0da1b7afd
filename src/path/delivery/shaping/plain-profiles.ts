import { replyClasses } from '../../../standards/smtp/reply-patterns.ts'
import type { DeliverySettings } from '../settings.ts'
import type { Given, Profile, Profiles } from './profiles.ts'

/** The settings' limits for all sites, and no consequences of replies but the retry clock. */
export function plainProfiles(
  settings: Pick<DeliverySettings, 'connectionsPerDestination' | 'messagesPerConnection' | 'idleConnection'>,
): Profiles {
  const given = <T>(value: T): Given<T> => ({ value, from: { profile: 'default', file: 'settings', line: 1 } })
  const limits = {
    connections: given(settings.connectionsPerDestination),
    messagesPerConnection: given(settings.messagesPerConnection),
    rate: given(null),
    idle: given(settings.idleConnection),
  }
  const actions = Object.fromEntries(replyClasses.map((one) => [one, given([])])) as Profile['actions']
  const nothing = { mx: [], domains: [], oneSite: false, date: null, why: null, source: null, replies: null }
  return { fallback: { ...nothing, name: 'default', own: false, limits, actions }, others: [] }
}
