export { autoscalerStatus } from './autoscaler-status.ts';
export { capacityLedger } from './capacity-ledger.ts';
export { configureAutoscaler } from './configure-autoscaler.ts';
export { emergencyScaleUp } from './emergency-scale-up.ts';
export { stepScale } from './step-scale.ts';
export { holdCapacity } from './hold-capacity.ts';
export { preScale } from './pre-scale.ts';
export { startScheduledPreScale } from './start-scheduled-pre-scale.ts';
