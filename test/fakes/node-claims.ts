import type { NodeClaimPort } from '../../activities/ports.ts';
import type { NodeClaimState } from '../../domain/node-claim.ts';

/** Karpenter's NodeClaims in memory; the test is Karpenter. */
export class FakeNodeClaims implements NodeClaimPort {
  readonly #claims = new Map<string, NodeClaimState>();
  #made = 0;
  /** False: Karpenter is not installed. */
  served = true;
  /** What RBAC grants. */
  deletable = true;
  /** What the next deletions meet: nobody hears of it ('lost answer'), or somebody is faster ('raced'). */
  readonly weather: ('lost answer' | 'raced')[] = [];
  /** Names, in their order. */
  readonly deletions: string[] = [];

  add(name: string, given: Partial<NodeClaimState> = {}): NodeClaimState {
    const number = (this.#made += 1);
    const claim: NodeClaimState = {
      name,
      uid: `claim-${number}`,
      version: '1',
      providerId: null,
      nodeName: null,
      deleting: false,
      guarded: true,
      terminationGracePeriod: null,
      conditions: [],
      ...given,
    };
    this.#claims.set(name, claim);
    return claim;
  }

  /** As Karpenter writes its status. */
  change(name: string, to: Partial<NodeClaimState> = {}): void {
    const claim = this.#claims.get(name);
    if (claim === undefined) throw new Error(`the fake has no NodeClaim ${name}`);
    this.#claims.set(name, { ...claim, version: String(Number(claim.version) + 1), ...to });
  }

  /** Karpenter has ended the instance. */
  finish(name: string): void {
    this.#claims.delete(name);
  }

  async listNodeClaims(): Promise<readonly NodeClaimState[] | null> {
    return this.served ? [...this.#claims.values()] : null;
  }

  async readNodeClaim(name: string): Promise<NodeClaimState | null> {
    return this.#claims.get(name) ?? null;
  }

  async mayDeleteNodeClaims(): Promise<boolean> {
    return this.deletable;
  }

  async deleteNodeClaim({
    name,
    uid,
    version,
  }: Pick<NodeClaimState, 'name' | 'uid' | 'version'>): ReturnType<NodeClaimPort['deleteNodeClaim']> {
    const weather = this.weather.shift();
    const claim = this.#claims.get(name);
    if (claim === undefined) return 'gone';
    if (weather === 'raced') this.change(name);
    if (claim.uid !== uid || this.#claims.get(name)?.version !== version) return 'raced';
    this.deletions.push(name);
    if (claim.guarded) this.change(name, { deleting: true });
    else this.#claims.delete(name);
    if (weather === 'lost answer') throw new Error('the connection broke');
    return 'asked';
  }
}
