/** 0 done, or accepted and kept by the run, which says what is still to come; 1 failed, 2 usage, 3 refused. */
export const EXIT = { done: 0, failed: 1, usage: 2, refused: 3 } as const;

/** Ends a command with a message for people and a code for scripts. */
export class CommandFailed extends Error {
  readonly code: number;
  readonly details: Readonly<Record<string, unknown>>;
  constructor(code: number, message: string, details: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.details = details;
  }
}

export function refused(reasons: readonly string[], details: Readonly<Record<string, unknown>> = {}): CommandFailed {
  return new CommandFailed(EXIT.refused, listed('refused', reasons), { reasons, ...details });
}
export function usage(faults: readonly string[]): CommandFailed {
  return new CommandFailed(EXIT.usage, listed('cannot be asked for', faults), { faults });
}
export function failed(message: string, details: Readonly<Record<string, unknown>> = {}): CommandFailed {
  return new CommandFailed(EXIT.failed, message, details);
}

function listed(what: string, reasons: readonly string[]): string {
  const [only] = reasons;
  return reasons.length === 1
    ? `${what}: ${only}`
    : [`${what}:`, ...reasons.map((reason) => `  - ${reason}`)].join('\n');
}
