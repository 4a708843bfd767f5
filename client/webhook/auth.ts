import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { WebhookLog } from './log.ts';
import { createReplayMemory } from './replays.ts';
import { openSecrets, type Secrets } from './secrets.ts';

/** Each way in that is configured stands on its own: a request needs one of them. */
export interface AuthSettings {
  readonly bearerFile?: string;
  /** `user:password` a line. */
  readonly basicFile?: string;
  readonly hmacFile?: string;
  /** Where it is set, a signature without a time stamp in this header is refused. */
  readonly hmacTimestampHeader?: string;
  /** The listener asks for a client certificate and has verified those that came. */
  readonly clientCertificates: boolean;
}

export interface Auth {
  /** Judged on the head alone, before a byte of the body is read. */
  judge(head: RequestHead): HeadVerdict;
}

export interface RequestHead {
  readonly headers: IncomingHttpHeaders;
  /** The connection bears a client certificate of our authority. */
  readonly isCertified: boolean;
  readonly nowMs: number;
}

export type HeadVerdict =
  | Trusted
  | { readonly kind: 'refused' }
  | { readonly kind: 'signed'; readonly judgeBody: (body: Uint8Array) => Trusted | { readonly kind: 'refused' } };

interface Trusted {
  readonly kind: 'trusted';
  /** To be called when the request was not carried out: the same request, sent again, is no replay then. */
  readonly unhear?: () => void;
}

const SIGNATURE_HEADER = 'x-grafana-alerting-signature';
const TIMESTAMP_HEADER = 'x-grafana-alerting-signature-timestamp';
/** How far the sender's clock may be from ours. */
const WINDOW_MS = 300_000;

const TOKEN = { pattern: /^[\x21-\x7e]{16,}$/, accepted: 'a secret of at least 16 printable characters' };
const LOGIN = { pattern: /^[^:]+:.{16,}$/, accepted: 'user:password, the password at least 16 characters long,' };

const REFUSED = { kind: 'refused' } as const;
const TRUSTED = { kind: 'trusted' } as const;

/** Names every fault of the settings; without any way in it is a fault that there is none. */
export function openAuth(settings: AuthSettings, log: WebhookLog, faults: string[]): Auth {
  const { bearerFile, basicFile, hmacFile, hmacTimestampHeader, clientCertificates } = settings;
  const bearer = bearerFile === undefined ? undefined : openSecrets(bearerFile, TOKEN, log, faults);
  const basic = basicFile === undefined ? undefined : openSecrets(basicFile, LOGIN, log, faults);
  const signed =
    hmacFile === undefined
      ? undefined
      : createSignatures(openSecrets(hmacFile, TOKEN, log, faults), hmacTimestampHeader?.toLowerCase());
  if ([bearer, basic, signed].every((way) => way === undefined) && !clientCertificates)
    faults.push(
      'nobody could be told from anybody; set at least one of HEADROOM_WEBHOOK_BEARER_FILE, HEADROOM_WEBHOOK_BASIC_FILE, HEADROOM_WEBHOOK_HMAC_FILE, HEADROOM_WEBHOOK_CLIENT_CA_FILE',
    );
  return {
    judge({ headers, isCertified, nowMs }) {
      if (clientCertificates && isCertified) return TRUSTED;
      const [, scheme = '', credentials = ''] = /^(\w+) +(\S+)$/.exec(headers.authorization ?? '') ?? [];
      if (/^bearer$/i.test(scheme) && bearer !== undefined && isOneOf(credentials, bearer(nowMs))) return TRUSTED;
      if (/^basic$/i.test(scheme) && basic !== undefined) {
        const login = Buffer.from(credentials, 'base64').toString('utf8');
        if (isOneOf(login, basic(nowMs))) return TRUSTED;
      }
      return signed?.(headers, nowMs) ?? REFUSED;
    },
  };
}

/**
 * Grafana's signature: HMAC-SHA256 in hex, over the body, or over `<timestamp>:<body>` with the time stamp (seconds) in a header.
 * One over the body alone can be recorded and sent again for ever, which is why a header can be asked for.
 */
function createSignatures(secrets: Secrets, askedHeader: string | undefined) {
  const replays = createReplayMemory();
  return (headers: IncomingHttpHeaders, nowMs: number): HeadVerdict => {
    const signature = String(headers[SIGNATURE_HEADER] ?? '');
    const stamp = headers[askedHeader ?? TIMESTAMP_HEADER];
    if (!/^[0-9a-f]{64}$/.test(signature)) return REFUSED;
    if (stamp === undefined && askedHeader !== undefined) return REFUSED;
    if (stamp === undefined) return { kind: 'signed', judgeBody: (body) => (isSigned('', body) ? TRUSTED : REFUSED) };
    const stampMs = /^\d{1,12}$/.test(String(stamp)) ? Number(stamp) * 1_000 : Number.NaN;
    if (!(Math.abs(nowMs - stampMs) <= WINDOW_MS)) return REFUSED;
    return {
      kind: 'signed',
      judgeBody(body) {
        if (!isSigned(`${String(stamp)}:`, body)) return REFUSED;
        if (!replays.note(signature, stampMs + WINDOW_MS, nowMs)) return REFUSED;
        return { kind: 'trusted', unhear: () => replays.forget(signature) };
      },
    };

    function isSigned(before: string, body: Uint8Array): boolean {
      const expected = secrets(nowMs).map((secret) =>
        createHmac('sha256', secret).update(before).update(body).digest('hex'),
      );
      return isOneOf(signature, expected);
    }
  };
}

/** In the same time whatever is given: both sides are hashed to one length, and every secret is looked at. */
function isOneOf(given: string, secrets: readonly string[]): boolean {
  const digest = hash('sha256', given, 'buffer');
  return secrets.map((secret) => timingSafeEqual(hash('sha256', secret, 'buffer'), digest)).includes(true);
}
