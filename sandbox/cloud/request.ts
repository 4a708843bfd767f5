/** One call as the HTTP shell sees it: what it is, what IAM is asked about it, and how to carry it out. */
export interface CloudRequest {
  /** `eks:UpdateNodegroupConfig` */
  readonly action: string;
  readonly resource: Resource;
  /** clientRequestToken; null where the operation has none. */
  readonly token: string | null;
  /** What goes back: JSON for EKS, what becomes XML for Auto Scaling. Null: a reply without a result. */
  perform(nowMs: number): object | null;
}

/** `arn` is `*` where IAM knows nothing narrower. */
export interface Resource {
  readonly arn: string;
  readonly tags: Readonly<Record<string, string>>;
}

export interface HttpCall {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
}

export const ANYTHING: Resource = { arn: '*', tags: {} };
