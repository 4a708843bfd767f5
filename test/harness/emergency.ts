import { randomUUID } from 'node:crypto';
import { WithStartWorkflowOperation } from '@temporalio/client';
import type { AlertNotice } from '../../domain/alerts.ts';
import { QUEUES } from '../../domain/names.ts';
import { alertsUpdate, type AlertsAnswer } from '../../workflows/messages.ts';
import { isFrozen } from '../../domain/freeze.ts';
import type { Stored } from './kube.ts';
import type { Lane } from './lane.ts';

export const EMERGENCY = 'emergency-scale-up.tensafe-server';
export const STEPS = 'step-scale.tensafe-server';

export function firing(name: string, { startsAtMs = Date.now(), status = 'firing' as const } = {}): AlertNotice {
  return { key: `${name}@${new Date(startsAtMs).toISOString()}`, name, status, startsAtMs };
}
export function resolved(notice: AlertNotice): AlertNotice {
  return { ...notice, status: 'resolved' };
}

/** As the webhook tells a run of alerts, and starts one where none is. */
export function tellAlerts(lane: Lane, ...notices: readonly AlertNotice[]): Promise<AlertsAnswer> {
  return tell(lane, { procedure: 'emergencyScaleUp', workflowId: EMERGENCY }, notices);
}
/** The same for steps. */
export function tellSteps(lane: Lane, ...notices: readonly AlertNotice[]): Promise<AlertsAnswer> {
  return tell(lane, { procedure: 'stepScale', workflowId: STEPS }, notices);
}

function tell(
  lane: Lane,
  { procedure, workflowId }: { readonly procedure: string; readonly workflowId: string },
  notices: readonly AlertNotice[],
): Promise<AlertsAnswer> {
  const start = new WithStartWorkflowOperation(procedure, {
    workflowId,
    taskQueue: QUEUES.urgent,
    args: [{ workload: 'tensafe-server', requestedBy: 'alertmanager', trigger: `alert ${notices[0]?.name}` }],
    workflowIdConflictPolicy: 'USE_EXISTING',
  });
  return lane.temporal.workflow.executeUpdateWithStart(alertsUpdate, {
    updateId: randomUUID(),
    args: [{ notices }],
    startWorkflowOperation: start,
  });
}

/** Whether scale-in is off on the governor of the lane. */
export async function isScaleInOff(lane: Lane): Promise<boolean> {
  return isScaleInOffOn(await lane.governorObject());
}

/** The same of an object as it was told: as a write left it, say. */
export function isScaleInOffOn({ metadata, spec }: Stored): boolean {
  const paused = metadata.annotations?.['autoscaling.keda.sh/paused-scale-in'];
  return paused === undefined
    ? isFrozen({ kind: 'horizontalPodAutoscaler', fields: { freeze: spec['behavior'] as never } })
    : isFrozen({ kind: 'scaledObject', fields: { freeze: paused } });
}
