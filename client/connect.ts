import { Client, Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { failed } from './exit.ts';

/** A command gives up on a server that does not answer at all after this long. */
const CONNECT_MS = 5_000;

/** Gives a connected client to one command and closes it afterwards. Profiles and TEMPORAL_* are Temporal's own. */
export async function withClient<T>(act: (client: Client) => Promise<T>): Promise<T> {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const address = connectionOptions.address ?? 'localhost:7233';
  const connection = await Connection.connect({ ...connectionOptions, connectTimeout: CONNECT_MS }).catch(
    (error: unknown) => {
      throw failed(
        `Temporal does not answer at ${address} (${error instanceof Error ? error.message : String(error)}); set TEMPORAL_ADDRESS or start a sandbox: headroom sandbox up`,
      );
    },
  );
  try {
    return await act(new Client({ connection, namespace }));
  } finally {
    await connection.close();
  }
}
