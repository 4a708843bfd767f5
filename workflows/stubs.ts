import { proxyActivities, proxyLocalActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { QUEUES } from '../domain/names.ts';

/** Quick back to back, then every half minute: an outage of the API server is waited out, and is visible meanwhile. */
const RETRY = { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '30s' } as const;

/** A worker that is killed in the middle of an activity is noticed after this, however long the activity may take. */
const LOST_AFTER = '10s';

/** What the worker knows or can reckon by itself: no effect and no wait, so one event of history instead of six. */
export const reckoning = proxyLocalActivities<
  Pick<
    Activities,
    | 'resolveWorkloadPolicy'
    | 'resolveEmergencyPolicy'
    | 'resolveStepPolicy'
    | 'resolveAutoscalerPolicy'
    | 'resolveAdditionPolicy'
    | 'resolveDrainPolicy'
    | 'hashIntent'
  >
>({
  startToCloseTimeout: '5s',
  retry: RETRY,
});

/** Reads of a plan and of a firing: an outage is waited out, because the event is still ahead. */
export const reading = proxyActivities<
  Pick<
    Activities,
    | 'surveyWorkload'
    | 'surveyAutoscaler'
    | 'checkRoom'
    | 'findRun'
    | 'readEvidence'
    | 'surveyNodeGroups'
    | 'surveyDrain'
    | 'readTermination'
    | 'findPresent'
  >
>({
  taskQueue: QUEUES.procedures,
  startToCloseTimeout: '70s',
  heartbeatTimeout: LOST_AFTER,
  retry: RETRY,
});

/** Reads for a person who waits for the answer: given up with the last reason when it takes long. */
export const asking = proxyActivities<Pick<Activities, 'readScaling' | 'readGpus' | 'readCloudAccess'>>({
  taskQueue: QUEUES.procedures,
  startToCloseTimeout: '15s',
  scheduleToCloseTimeout: '20s',
  heartbeatTimeout: LOST_AFTER,
  retry: { ...RETRY, maximumInterval: '2s' },
});

/** Words to a ledger: they must arrive, however long that takes. */
export const claiming = proxyActivities<Pick<Activities, 'claimCapacity' | 'releaseCapacity'>>({
  taskQueue: QUEUES.urgent,
  startToCloseTimeout: '15s',
  heartbeatTimeout: LOST_AFTER,
  retry: { ...RETRY, maximumInterval: '5s' },
});

/** The write of an autoscaler's settings: given up with the last reason when the cluster does not take it for two minutes. */
export const setting = proxyActivities<Pick<Activities, 'writeSettings'>>({
  taskQueue: QUEUES.procedures,
  startToCloseTimeout: '45s',
  scheduleToCloseTimeout: '2m',
  heartbeatTimeout: LOST_AFTER,
  retry: { ...RETRY, maximumInterval: '10s' },
});

/** The way back: it must be carried out, however long that takes. */
export const givingBack = proxyActivities<Pick<Activities, 'restoreSettings'>>({
  taskQueue: QUEUES.procedures,
  startToCloseTimeout: '45s',
  heartbeatTimeout: LOST_AFTER,
  retry: { ...RETRY, maximumInterval: '10s' },
});

/** The first attempt of what an emergency reads and says, in its own workflow task; on any failure the ordinary one follows. */
export const urgently = proxyLocalActivities<Pick<Activities, 'surveyWorkload' | 'lookAtEmergency' | 'claimCapacity'>>({
  startToCloseTimeout: '1s',
  retry: { maximumAttempts: 1 },
});

/** Polls: each attempt is one look, the next one comes after the delay that the failure itself names. */
export const watching = proxyActivities<
  Pick<
    Activities,
    | 'awaitAvailable'
    | 'keepClaimed'
    | 'awaitReleased'
    | 'awaitQuiet'
    | 'awaitRegression'
    | 'awaitSettings'
    | 'awaitNodes'
    | 'awaitEnded'
    | 'awaitJobs'
    | 'awaitGone'
    | 'awaitClaimGone'
  >
>({
  taskQueue: QUEUES.watch,
  startToCloseTimeout: '70s',
  heartbeatTimeout: LOST_AFTER,
  retry: { initialInterval: '2s', backoffCoefficient: 1.5, maximumInterval: '30s' },
});

/** A place in the queue of a node group: waited for, and left, however long that takes. */
export const takingTurns = proxyActivities<Pick<Activities, 'takeTurn' | 'leaveTurn'>>({
  taskQueue: QUEUES.watch,
  startToCloseTimeout: '20s',
  heartbeatTimeout: LOST_AFTER,
  retry: { ...RETRY, maximumInterval: '10s' },
});

/** An order of nodes: while another update of the group is under way AWS takes none, so it is tried for a quarter of an hour. */
export const ordering = proxyActivities<Pick<Activities, 'orderNodes' | 'raiseMinimum'>>({
  taskQueue: QUEUES.procedures,
  startToCloseTimeout: '60s',
  scheduleToCloseTimeout: '15m',
  heartbeatTimeout: LOST_AFTER,
  retry: { ...RETRY, maximumInterval: '15s' },
});

/** Words on nodes and pods: given up with the last reason when the cluster does not take them for ten minutes. */
export const writingNodes = proxyActivities<
  Pick<Activities, 'cordonNode' | 'requestCheckpoints' | 'withdrawCheckpoints'>
>({
  taskQueue: QUEUES.procedures,
  startToCloseTimeout: '45s',
  scheduleToCloseTimeout: '10m',
  heartbeatTimeout: LOST_AFTER,
  retry: { ...RETRY, maximumInterval: '10s' },
});

/** A node that we cordoned becomes schedulable again, however long that takes. */
export const givingNodesBack = proxyActivities<Pick<Activities, 'uncordonNode'>>({
  taskQueue: QUEUES.procedures,
  startToCloseTimeout: '45s',
  heartbeatTimeout: LOST_AFTER,
  retry: { ...RETRY, maximumInterval: '10s' },
});

/** Empties one node: as long as its own deadline says, begun again from what is there when its worker is lost. */
export const evicting = proxyActivities<Pick<Activities, 'evictPods'>>({
  taskQueue: QUEUES.watch,
  startToCloseTimeout: '7 days',
  heartbeatTimeout: LOST_AFTER,
  retry: { ...RETRY, maximumInterval: '10s' },
});

/**
 * The one request that cannot be undone. After a lost answer it waits before it looks again: AWS tells of a termination a little
 * later, and a second request would make the group smaller once more (R57).
 */
export const terminating = proxyActivities<Pick<Activities, 'terminateNode'>>({
  taskQueue: QUEUES.procedures,
  startToCloseTimeout: '60s',
  scheduleToCloseTimeout: '10m',
  heartbeatTimeout: LOST_AFTER,
  retry: { initialInterval: '10s', backoffCoefficient: 1.5, maximumInterval: '30s' },
});

/** Nor can this; but the API server says at once whether a deletion came through, so the next look need not wait. */
export const deletingClaims = proxyActivities<Pick<Activities, 'deleteNodeClaim'>>({
  taskQueue: QUEUES.procedures,
  startToCloseTimeout: '60s',
  scheduleToCloseTimeout: '10m',
  heartbeatTimeout: LOST_AFTER,
  retry: { ...RETRY, maximumInterval: '10s' },
});

/** What an order left open: it must be taken back, however long that takes; nobody else knows of it. */
export const takingBack = proxyActivities<Pick<Activities, 'takeBackNodes' | 'giveMinimumBack'>>({
  taskQueue: QUEUES.procedures,
  startToCloseTimeout: '60s',
  heartbeatTimeout: LOST_AFTER,
  retry: { ...RETRY, maximumInterval: '15s' },
});

/** The ledger's first attempt, in the claim's own workflow task: 20 ms as a rule; a hanging one may not hold the task up. */
export const atOnce = proxyLocalActivities<Pick<Activities, 'applyHold' | 'readHold'>>({
  startToCloseTimeout: '400ms',
  retry: { maximumAttempts: 1 },
});

/** The same as an ordinary activity: bounded, so that the ledger looks at its claims again between rounds. */
export const thorough = proxyActivities<Pick<Activities, 'applyHold' | 'readHold'>>({
  taskQueue: QUEUES.urgent,
  startToCloseTimeout: '45s',
  heartbeatTimeout: LOST_AFTER,
  scheduleToCloseTimeout: '2m',
  retry: { ...RETRY, maximumInterval: '10s' },
});

/** Never ends by itself while all owners run and the hold stands as it did. */
export const guarding = proxyActivities<Pick<Activities, 'guardHold'>>({
  taskQueue: QUEUES.watch,
  startToCloseTimeout: '30 days',
  heartbeatTimeout: LOST_AFTER,
  cancellationType: 'TRY_CANCEL',
  retry: { ...RETRY, maximumInterval: '15s' },
});
