export { capacityLedger } from './capacity-ledger.ts';
export { preScale } from './pre-scale.ts';
