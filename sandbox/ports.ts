import { createServer, type Server } from 'node:net';

/**
 * Ports are taken below the kernel's ephemeral range, or somebody's outgoing connection could sit on one between
 * our look and the program's start. A sandbox owns a block: whoever listens on its first port has all of it.
 */
const FIRST = 10_240;
const LAST = 32_767;
const BLOCK_PORTS = 32;

/** Tries blocks in a random order until `claim` takes the first port and all others are free. */
export async function takePorts(
  claim: (port: number) => Promise<boolean>,
  release: () => Promise<void>,
): Promise<number> {
  const blocks = Math.floor((LAST + 1 - FIRST) / BLOCK_PORTS);
  const offset = Math.floor(Math.random() * blocks);
  for (let index = 0; index < blocks; index += 1) {
    const first = FIRST + ((offset + index) % blocks) * BLOCK_PORTS;
    if (!(await claim(first))) continue;
    const others = Array.from({ length: BLOCK_PORTS - 1 }, (_, port) => first + 1 + port);
    if ((await Promise.all(others.map(isFree))).every(Boolean)) return first;
    await release();
  }
  throw new Error(`there is no run of ${BLOCK_PORTS} free loopback ports between ${FIRST} and ${LAST}`);
}

/** False when the port is taken; any other trouble is the caller's to know. */
export function listen(server: Server, port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    };
    server.once('error', onError);
    server.listen(port, '127.0.0.1', () => {
      server.off('error', onError);
      resolve(true);
    });
  });
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  const free = await listen(server, port);
  if (free) await new Promise((resolve) => server.close(resolve));
  return free;
}
