/**
 * Debian's own cloud-init in emulated guests on vhost-user ports: OpenStack's data source and EC2's, over IPv4 and in networks that
 * have IPv6 only, and OpenStack's with a Nova behind the proxy. Two tenants have the same addresses; each guest becomes who it should be.
 */
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { Appliance } from '../../run/appliance.ts';
import { Guest } from '../../run/guest.ts';
import { debianImage } from '../../run/guest-debian.ts';
import type { GuestSystem } from '../../run/guest-kernel.ts';
import { type Case, cases, instanceId, key, macOf, novaInstance, objects, smbiosOf, systemOf } from './cloud-cases.ts';
import { Nova } from './nova.ts';

/** What became of a guest. */
interface Outcome {
  readonly result: { readonly v1: { readonly datasource: string; readonly errors: readonly string[] } };
  readonly log: string;
  readonly hostname: string;
  /** What cloud-init took from its data source. */
  readonly named: { readonly hostname: string; readonly fqdn: string };
  readonly written: string;
  readonly run: string;
  readonly keys: string;
  readonly addresses: string;
  /** Seconds since the guest was switched on. */
  readonly uptime: number;
}

interface Context {
  appliance: Appliance;
  nova: Nova;
  outcomes: Map<string, Promise<Outcome>>;
}

const test = anyTest as TestFn<Context>;
const novaSecret = 'shared by Nova and its proxy';
/** Two processors carry two emulated ones. */
const atOnce = 2;
const bootMs = 600_000;
const forgedPath = '/openstack/latest/meta_data.json';

async function show(guest: Guest, command: string, timeoutMs = 60_000): Promise<string> {
  const { code, stdout } = await guest.exec(command, timeoutMs);
  if (code !== 0) throw new Error(`${command}: exit ${code}: ${stdout}\n${guest.console()}`);
  return stdout.trim();
}

async function looksAt(guest: Guest): Promise<Outcome> {
  await show(guest, 'until test -e /run/cloud-init/result.json; do sleep 1; done', bootMs);
  return {
    result: JSON.parse(await show(guest, 'cat /run/cloud-init/result.json')),
    log: await show(guest, 'cat /var/log/cloud-init.log'),
    hostname: await show(guest, 'hostname'),
    named: JSON.parse(await show(guest, 'cat /var/lib/cloud/data/set-hostname')),
    written: await show(guest, 'cat /etc/written; true'),
    run: await show(guest, 'cat /etc/run; true'),
    keys: await show(guest, 'cat /home/debian/.ssh/authorized_keys; true'),
    addresses: await show(guest, 'ip -o address show dev eth0 scope global'),
    uptime: Number(await show(guest, 'cut -d. -f1 /proc/uptime')),
  };
}

/** The guest's life: it boots, cloud-init does all its stages, and then what `last` says. */
async function live(each: Case, socket: string, image: GuestSystem, last: (guest: Guest) => Promise<void>): Promise<Outcome> {
  const guest = new Guest();
  try {
    const options = { system: systemOf(each, image), smbios: smbiosOf(each), timeoutMs: bootMs };
    await guest.start({ socket, server: true, mac: macOf(each), offloads: true }, options);
    const outcome = await looksAt(guest);
    await last(guest);
    return outcome;
  } finally {
    await guest.stop();
  }
}

/** Asks with headers of its own that are the proxy's to set. */
async function forge(guest: Guest): Promise<void> {
  const names = ['X-Instance-ID', 'X_Instance_ID', 'X-Tenant-ID', 'X-Instance-ID-Signature', 'X-Forwarded-For'];
  const headers = names.map((name) => `'${name}': 'forged'`).join(', ');
  const request = `u.Request('http://169.254.169.254${forgedPath}', headers={${headers}})`;
  await show(guest, `python3 -c "import urllib.request as u; u.urlopen(${request}).read()"`);
}

test.before(async (t) => {
  const image = await debianImage();
  const appliance = new Appliance({ settings: 'plugins: { metadata: { deniedUpstreams: [] } }\n' });
  // The appliance says it once there is the project.
  let tenant = '';
  const nova = new Nova(novaSecret, () => [novaInstance(tenant)]);
  const outcomes: Context['outcomes'] = new Map();
  Object.assign(t.context, { appliance, nova, outcomes });
  const url = await nova.start();
  await appliance.start();
  const socket = (name: string) => join(appliance.stateDir, `${name}.sock`);
  await appliance.apply(objects(socket, { url, secret: novaSecret }));
  const { status } = await appliance.json<{ status: { uuid: string } }>(['get', 'Project', 'globex']);
  tenant = status.uuid.replaceAll('-', '');
  const queue = [...cases];
  const lane = async () => {
    for (let each = queue.shift(); each !== undefined; each = queue.shift()) {
      const outcome = live(each, socket(each.name), image, each.name === 'nova' ? forge : async () => undefined);
      outcomes.set(each.name, outcome);
      // Its own test says what went wrong.
      await outcome.catch(() => undefined);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
});

test.after.always(async (t) => {
  await t.context.appliance?.stop();
  await t.context.nova?.stop();
});

for (const { name, project, source, found, addresses } of cases) {
  test.serial(`${name}: cloud-init applies host name, key and user data`, async (t) => {
    const outcome = (await t.context.outcomes.get(name)) as Outcome;
    const { datasource, errors } = outcome.result.v1;
    t.regex(datasource, new RegExp(`^DataSource${source}`), outcome.log);
    t.deepEqual(errors, []);
    t.regex(outcome.log, found);
    t.is(outcome.hostname, name);
    t.is(outcome.named.fqdn, `${name}.${project}.example`);
    t.is(outcome.written, `for ${name}`);
    t.is(outcome.run, `run as ${name}`);
    t.true(outcome.keys.includes(key(name)), outcome.keys);
    for (const address of addresses) t.true(outcome.addresses.includes(` ${address}/`), `${address}: ${outcome.addresses}`);
    t.log(`${datasource}, done after ${outcome.uptime} s`);
  });
}

test.serial('Nova sees who asks, signed, and nothing that a VM has forged', async (t) => {
  await t.context.outcomes.get('nova');
  const { requests } = t.context.nova;
  t.log(`${requests.length} requests`);
  t.deepEqual(
    requests.filter(({ status }) => status === 403),
    [],
  );
  const last = requests.findLast(({ path }) => path === forgedPath);
  t.is(last?.status, 200);
  t.deepEqual(last?.headers['x-instance-id'], [instanceId('nova')]);
  t.deepEqual(last?.headers['x-forwarded-for'], ['10.1.0.11']);
  t.false(JSON.stringify(requests).includes('forged'));
});
