import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';

const { version }: { readonly version: string } = JSON.parse(
  readFileSync(findPackageJSON(import.meta.url) ?? '', 'utf8'),
);

/** Product and version, for User-Agent headers. */
export const PRODUCT = ['headroom', version] as const;

/** By it an audit log names the run (I11). A header takes printable ASCII only. */
export function userAgent(caller: string): string {
  return `${PRODUCT.join('/')} ${caller.replaceAll(/[^\x20-\x7e]/g, '_')}`;
}
