/** Whether AWS lets one set of credentials do one thing. */
export interface CloudVerdict {
  /** `eks:DescribeNodegroup` */
  readonly action: string;
  /** `node group gpu-workers` */
  readonly target: string;
  /** not tried: it would change something, or needs what could not be read. */
  readonly kind: 'allowed' | 'failed' | 'not tried';
  /** Empty where it is allowed. */
  readonly reason: string;
}

/** What AWS answers to what headroom asks of it; unusable: nothing could be asked, for there is no region or nobody's credentials. */
export type CloudAccess =
  | {
      readonly kind: 'asked';
      /** As EKS names it. */
      readonly cluster: string;
      readonly region: string;
      readonly verdicts: readonly CloudVerdict[];
    }
  | { readonly kind: 'unusable'; readonly cluster: string; readonly reason: string };
