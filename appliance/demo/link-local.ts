/** Services of the outside at one address for all, and another server behind it for each tenant. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Check, type Exec, prints } from './check.ts';

const mirror = '169.254.169.10';
const resolver = 'fd00:ec2::53';

/** Stands for a server of the outside that says whose it is. */
async function startMirror(project: string): Promise<number> {
  const server = createServer((_request, response) => response.end(`mirror of ${project}\n`));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return (server.address() as AddressInfo).port;
}

const service = (project: string, name: string, spec: object) => ({ kind: 'LinkLocalService', metadata: { name, project }, spec });

/** A web server over TCP for each tenant, and the name server at `dnsPort` over UDP; the servers go with this process. */
export async function linkLocalServices(dnsPort: number): Promise<object[]> {
  const mirrors = ['acme', 'globex'].map(async (project) => {
    const upstreams = [{ address: '127.0.0.1', port: await startMirror(project) }];
    return service(project, 'mirror', { address: mirror, port: 80, protocol: 'tcp', upstreams });
  });
  const names = { address: resolver, port: 53, protocol: 'udp', upstreams: [{ address: '127.0.0.1', port: dnsPort }] };
  return [...(await Promise.all(mirrors)), service('globex', 'names', names)];
}

export function linkLocal(exec: Exec): Check[] {
  const curl = ['curl', '--silent', '--show-error', '--fail', '--max-time', '10', `http://${mirror}/`];
  const dig = ['dig', '+short', '+tries=2', '+time=3', `@${resolver}`, 'www.upstream.test'];
  return [
    prints(exec, 'acme-web', `link-local service ${mirror}, TCP`, curl, 'mirror of acme'),
    prints(exec, 'globex-web', `link-local service ${mirror}, TCP`, curl, 'mirror of globex'),
    prints(exec, 'globex-six', `link-local service ${resolver}, UDP`, dig, '203.0.113.80'),
  ];
}
