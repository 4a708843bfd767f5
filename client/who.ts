import { hostname, userInfo } from 'node:os';

/** Who asks, where they do not say so. */
export function whoAmI(): string {
  return `${process.env['USER'] ?? userInfo().username}@${hostname()}`;
}
