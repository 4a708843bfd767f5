import { describe } from 'node:test';
import { checkpointContract } from '../contracts/checkpoints.ts';
import { aJob, aSurvey } from '../domain/drain-builders.ts';
import { FakeDrains } from '../fakes/drains.ts';

describe('the fake of what a drain is judged by', () => {
  const drains = new FakeDrains();
  drains.say(aSurvey({ jobs: [aJob()] }));
  const { kind, namespace, name, uid } = aJob();
  checkpointContract(() => ({
    port: drains,
    job: async () => ({ kind, namespace, name, uid }),
    answer: async (pod) => drains.answer(uid, pod),
  }));
});
