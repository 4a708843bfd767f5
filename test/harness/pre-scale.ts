import assert from 'node:assert/strict';
import { eventually } from './eventually.ts';
import { eventOf, type Lane } from './lane.ts';

export const RUN = 'pre-scale.tensafe-server.sale';

/** Starts the pre-scale of event `sale` and answers once the command has. */
export async function startSale(
  lane: Lane,
  {
    startsIn = 2,
    lasts = 600,
    words = ['--factor', '2'],
  }: { readonly startsIn?: number; readonly lasts?: number; readonly words?: readonly string[] } = {},
): Promise<void> {
  const ran = await lane.headroom('pre-scale', 'tensafe-server', ...eventOf({ startsIn, lasts }), ...words, '--json');
  assert.equal(ran.code, 0, `${ran.stderr}\n${ran.stdout}`);
}

export async function untilPhase(lane: Lane, phase: string, { withinMs = 30_000, run = RUN } = {}): Promise<void> {
  const handle = lane.temporal.workflow.getHandle(run);
  const reached = eventually(
    `the run is ${phase}`,
    async () => (await handle.query<{ readonly phase: string }>('status')).phase === phase,
    { withinMs },
  );
  await telling(lane, ['show', run], reached);
}

/** The run's end, and nothing of ours left on the object. */
export async function untilClosed(lane: Lane, { withinMs = 60_000, run = RUN } = {}): Promise<string> {
  const closed = eventually(
    'the run has closed',
    async () => {
      const { status } = await lane.temporal.workflow.getHandle(run).describe();
      return status.name === 'RUNNING' ? false : status.name;
    },
    { withinMs },
  );
  return telling(lane, ['show', run], closed);
}

/** The event is over, said by hand: a test that waits for a clock depends on the speed of the machine. */
export async function endSale(lane: Lane): Promise<void> {
  const ended = await lane.headroom('end', RUN);
  assert.equal(ended.code, 0, ended.stderr);
  await untilPhase(lane, 'waiting for quiet');
}

/** A deadline that passed says where the run was, or its ledger. */
async function telling<T>(lane: Lane, words: readonly string[], reached: Promise<T>): Promise<T> {
  return reached.catch(async (error: Error) => {
    const shown = (await lane.headroom(...words)).stdout;
    throw new Error([error.message, shown, lane.workerTrouble()].join('\n'), { cause: error });
  });
}

export async function untilHome(
  lane: Lane,
  owners: Awaited<ReturnType<Lane['snapshot']>>,
  { withinMs = 60_000 } = {},
): Promise<void> {
  const home = eventually(
    'no mark of ours is left',
    async () => {
      const { metadata } = await lane.governorObject();
      return (
        metadata.labels?.['headroom.dev/held'] === undefined &&
        !Object.keys(metadata.annotations ?? {}).some((key) => key.startsWith('headroom.dev/'))
      );
    },
    { withinMs },
  );
  await telling(lane, ['ledger', 'tensafe-server'], home);
  assert.deepEqual(await lane.snapshot(), owners);
}
