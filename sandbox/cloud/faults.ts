/** What can be ordered to go wrong, besides any error code of AWS: the reply is lost before or after the work, or never comes. */
export const WEATHER = ['throttle', 'reset-before', 'reset-after', 'hang-before', 'hang-after'] as const;
type Weather = (typeof WEATHER)[number];

export interface Fault {
  /** `TerminateInstanceInAutoScalingGroup`, or how the name begins (`terminate`); `*`: any. */
  readonly operation: string;
  /** One of WEATHER, or the code of an error as it stands on the wire. */
  readonly what: Weather | (string & {});
  /** How many calls it meets. */
  readonly times: number;
}

/** Those of 400 are not here. */
const STATUSES: Readonly<Record<string, number>> = {
  AccessDeniedException: 403,
  AccessDenied: 403,
  ExpiredToken: 403,
  ResourceNotFoundException: 404,
  ResourceInUseException: 409,
  ThrottlingException: 429,
  ServerException: 500,
  ResourceContention: 500,
  InternalFailure: 500,
  ServiceUnavailableException: 503,
  ServiceUnavailable: 503,
};

export const statusOf = (code: string): number => STATUSES[code] ?? 400;

/** Whether the words for an operation mean this one. */
export function isMeant(words: string, operation: string): boolean {
  return words === '*' || operation.toLowerCase().startsWith(words.toLowerCase());
}

/** Faults that wait for their calls, each used up by as many as it is for; the oldest that fits comes first. */
export class Faults {
  #waiting: readonly Fault[] = [];

  add(fault: Fault): void {
    this.#waiting = [...this.#waiting, fault];
  }

  clear(): void {
    this.#waiting = [];
  }

  waiting(): readonly Fault[] {
    return this.#waiting;
  }

  /** What goes wrong with this call; undefined: nothing. */
  take(operation: string): string | undefined {
    const met = this.#waiting.find((fault) => isMeant(fault.operation, operation));
    if (met === undefined) return undefined;
    this.#waiting = this.#waiting.flatMap((fault) => {
      if (fault !== met) return [fault];
      return fault.times > 1 ? [{ ...fault, times: fault.times - 1 }] : [];
    });
    return met.what;
  }
}
