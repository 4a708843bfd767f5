import { allHandlersFinished, CancellationScope, condition } from '@temporalio/workflow';
import type { RunResult } from '../domain/procedures.ts';
import type { Run } from './run.ts';

/** Runs a procedure to its end, and leaves what it shows where it ended: a cancelled run returns no result. */
export async function conclude(run: Run, procedure: () => Promise<RunResult>): Promise<RunResult> {
  const done = () => {
    if (run.status().question !== null) run.update({ question: null });
    run.enter('done', { what: 'nothing', atMs: null });
  };
  try {
    const result = await procedure();
    if (run.status().phase !== 'done') done();
    await condition(allHandlersFinished);
    return result;
  } finally {
    if (run.status().phase !== 'done') {
      const how = CancellationScope.current().consideredCancelled ? 'cancelled' : 'failed';
      run.say(`${how} before anything was asked for`);
      done();
    }
  }
}
