/** May do what deploy/iam/headroom-policy.json allows, and no more. Signatures are not looked at: these are no secrets. */
export const WORKER_KEY = { accessKeyId: 'HEADROOM', secretAccessKey: 'headroom' } as const;
/** May do everything: other people, Cluster Autoscaler, a test. */
export const OPERATOR_KEY = { accessKeyId: 'OPERATOR', secretAccessKey: 'operator' } as const;

export const REGION = 'us-east-1';
