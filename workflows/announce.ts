import { defineSearchAttributeKey } from '@temporalio/common';
import { upsertSearchAttributes } from '@temporalio/workflow';
import type { Run } from './run.ts';

const WORKLOAD = defineSearchAttributeKey('HeadroomWorkload', 'KEYWORD');
const PROCEDURE = defineSearchAttributeKey('HeadroomProcedure', 'KEYWORD');
const TRIGGER = defineSearchAttributeKey('HeadroomTrigger', 'KEYWORD');
const EVENT_AT = defineSearchAttributeKey('HeadroomEventAt', 'DATETIME');

/** What Temporal's list can be searched by: whose run it is, of which procedure, who started it, and for when. */
export function announce({ status }: Pick<Run, 'status'>): void {
  const { subject, procedure, trigger, event } = status();
  upsertSearchAttributes([
    { key: WORKLOAD, value: subject },
    { key: PROCEDURE, value: procedure },
    { key: TRIGGER, value: trigger ?? 'operator' },
    { key: EVENT_AT, value: new Date(event.startMs) },
  ]);
}
