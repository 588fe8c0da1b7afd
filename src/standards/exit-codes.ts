/** How a process ends: 0 fine, 1 findings or refusals, 2 usage or configuration error, 70 fault of ours (sysexits' EX_SOFTWARE). */
export type ExitCode = number

export const exitCodes = { fine: 0, findings: 1, usage: 2, fault: 70 } as const
