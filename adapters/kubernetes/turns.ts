/** So many at a time, the others in the order in which they came. */
export function createTurns(limit: number) {
  const waiting: (() => void)[] = [];
  let free = limit;
  return async function inTurn<T>(act: () => Promise<T>): Promise<T> {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await act();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}
