import type { DrillOptions, NotHere, Report } from '../report.ts'
import { runClockJump } from './clock-jump.ts'
import { runDamagedDatabase } from './damaged-database.ts'
import { runDnsGone } from './dns-gone.ts'
import { runDroppingReceiver } from './dropping-receiver.ts'
import { runFailingReceivers } from './failing-receivers.ts'
import { runFullDisk } from './full-disk.ts'

/** What else than a killed process may go wrong, by the name that `--variant` takes. */
export const variants: { readonly [name: string]: (options: DrillOptions) => Promise<Report | NotHere> } = {
  'full-disk': runFullDisk,
  'damaged-database': runDamagedDatabase,
  'dns-gone': runDnsGone,
  'dropping-receiver': runDroppingReceiver,
  'failing-receivers': runFailingReceivers,
  'clock-jump': runClockJump,
}
