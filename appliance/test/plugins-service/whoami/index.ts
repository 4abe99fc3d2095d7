/** A plugin that tells everybody who they are, at TCP 80 and UDP 123 of two addresses in every network. For tests alone. */
import { anyVrf, protocols, type ServiceRow, serviceActions } from '@weft/kernel/contract/net';
import { definePlugin } from '@weft/kernel/sdk';
import { Type } from 'typebox';

const addresses = ['169.254.169.254', 'fe80::a9fe:a9fe'];
const [httpPort, timePort] = [80, 123];

const row = (address: string, protocol: number, l4Port: number): ServiceRow => ({
  ...{ table: 'service', vrf: anyVrf, address, protocol, l4Port, action: serviceActions.port, puntClass: 0 },
});

export default definePlugin({
  name: 'whoami',
  summary: 'Tells everybody who they are',
  grants: { rows: ['service'], servicePort: true },
  config: Type.Object({}, { additionalProperties: false }),
  async start({ servicePort, rows }) {
    await servicePort.listenTcp(httpPort, (socket, asker) => {
      // Answers each line; a connection may stay for long.
      socket.on('data', () => socket.write(`${JSON.stringify(asker)}\n`));
      socket.on('end', () => socket.end());
      socket.resume();
    });
    for (const address of addresses)
      await servicePort.bindUdp(address, timePort, (_data, { peer: _, ...asker }, reply) => reply(Buffer.from(JSON.stringify(asker))));
    await rows.replace(addresses.flatMap((address) => [row(address, protocols.tcp, httpPort), row(address, protocols.udp, timePort)]));
    return {};
  },
});
