/** A server process for the tests: `node test-server.ts PATH SERVER_KEYS_JSON CLIENT_PUBLIC_KEY`; says `ready` over IPC. */
import type { Unary } from '../contract/system/wire.ts';
import { BusServer } from './index.ts';

interface Doubling {
  readonly double: Unary<{ n: number }, { n: number }>;
}

const [, , path = '', keys = '', clientKey = ''] = process.argv;
const server = await BusServer.open(JSON.parse(keys));
await server.setKey('plug', clientKey);
await server.channel<Doubling, object>({ client: 'plug', path, handlers: { double: ({ n }) => ({ n: 2 * n }) } });
process.send?.('ready');
