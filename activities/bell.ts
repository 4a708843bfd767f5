export interface Bell {
  readonly ring: () => void;
  /** Until it rings, but no longer than this; at once if it rang since it was heard last. */
  heard(withinMs: number): Promise<void>;
}

/** For one who waits until something changes, whatever it is. */
export function createBell(): Bell {
  let rang = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      rang = true;
      wake?.();
    },
    async heard(withinMs) {
      if (!rang) {
        let timer: NodeJS.Timeout | undefined;
        await new Promise<void>((resolve) => {
          wake = resolve;
          timer = setTimeout(resolve, withinMs);
        });
        clearTimeout(timer);
      }
      rang = false;
    },
  };
}
