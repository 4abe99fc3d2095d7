/**
 * `npm run demo`: boots an appliance of its own, builds the demo lab, lets real clients try everything, prints a table.
 * `--keep` leaves it running and says what to try next. Exit 0 only if every check holds.
 */
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { Appliance, type Result, spawnMortal } from '../run/appliance.ts';
import type { Check } from './check.ts';
import { ownObjects, story } from './story.ts';

const lab = 'demo';
const stateDir = '/var/lib/weft-demo';
const upstreamPort = 5399;

/** A local authoritative name server: stands for the world outside. */
function startUpstream(): ChildProcess {
  const args = [
    '--no-daemon',
    '--no-resolv',
    '--no-hosts',
    '--bind-interfaces',
    '--listen-address=127.0.0.1',
    `--port=${upstreamPort}`,
    '--host-record=www.upstream.test,203.0.113.80',
    '--local=/upstream.test/',
    '--conf-file=/dev/null',
  ];
  return spawnMortal('dnsmasq', args);
}

async function runChecks(checks: readonly Check[]): Promise<boolean> {
  const width = Math.max(...checks.map(({ name }) => name.length));
  let ok = true;
  console.log(`${'check'.padEnd(width)} · result · time`);
  for (const check of checks) {
    const started = performance.now();
    const outcome = await check.run().then(
      (seen) => ({ ok: true, text: seen }),
      (error: unknown) => ({ ok: false, text: error instanceof Error ? error.message : String(error) }),
    );
    ok &&= outcome.ok;
    console.log(
      `${check.name.padEnd(width)} · ${outcome.ok ? 'ok' : 'FAILED'}: ${outcome.text} · ${((performance.now() - started) / 1000).toFixed(1)} s`,
    );
  }
  return ok;
}

async function main(): Promise<void> {
  const keep = process.argv.includes('--keep');
  if (process.getuid?.() !== 0) throw new Error('the demo makes network namespaces: run it as root');
  // A demo that was killed may have left its objects.
  rmSync(stateDir, { recursive: true, force: true });
  mkdirSync(stateDir, { recursive: true });
  const appliance = new Appliance({
    stateDir,
    // The servers of the outside stand on this host's loopback, where link-local leads nobody unless told so.
    settings: `plugins:\n  dns:\n    upstreams: ["127.0.0.1:${upstreamPort}"]\n  link-local:\n    deniedUpstreams: []\n`,
  });
  const upstream = startUpstream();
  const exec = (vm: string, command: readonly string[], timeoutMs?: number): Promise<Result> =>
    appliance.weft(['lab', 'exec', vm, '--', ...command], { timeoutMs: timeoutMs ?? 15_000 });
  let ok = false;
  let objects: readonly object[] = [];
  try {
    console.log('booting the appliance …');
    await appliance.start();
    console.log('building the lab: two tenants, eight VMs …');
    // … and its VMs.
    await appliance.weft(['lab', 'down', lab], { timeoutMs: 60_000 });
    await appliance.must(['lab', 'up', lab], { timeoutMs: 60_000 });
    const status = await appliance.json<{ plugins: { name: string }[] }>(['status']);
    const plugins = status.plugins.map(({ name }) => name);
    objects = await ownObjects(plugins, upstreamPort);
    if (objects.length > 0) await appliance.apply(objects);
    ok = await runChecks(story(appliance, exec, plugins));
    if (keep && ok) await linger(appliance);
  } finally {
    // They refer to objects of the lab.
    if (objects.length > 0) await appliance.weft(['delete', '-f', '-', '--ignore-missing'], { input: asFile(objects) });
    await appliance.weft(['lab', 'down', lab], { timeoutMs: 60_000 });
    await appliance.stop();
    upstream.kill();
  }
  if (!ok) process.exitCode = 1;
}

function asFile(objects: readonly object[]): string {
  return objects.map((object) => JSON.stringify(object)).join('\n---\n');
}

async function linger(appliance: Appliance): Promise<void> {
  console.log(`
The appliance keeps running; Ctrl-C ends it. In another shell, in this folder:
  export WEFT_API=${appliance.api}
  npx weft status
  npx weft get port -A
  npx weft lab exec acme-web -- ping -c 3 db.acme.example
  npx weft lab exec acme-web -- curl -s http://169.254.169.254/openstack/latest/meta_data.json
  npx weft lab exec globex-six -- ip -6 route
  npx weft lab exec acme-db -- curl -s http://198.51.100.10/cgi-bin/whoami
  npx weft lab exec internet -- curl -s http://203.0.113.20/cgi-bin/whoami
  npx weft leases -A; npx weft routes -A; npx weft drops -A; npx weft flows -A; npx weft nat -A
  npx weft --project acme trace --from web --to 10.1.0.12 --proto tcp --l4-port 5432
  npx weft explain VirtualNetwork.spec.subnets`);
  await new Promise<void>((resolve) => {
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}

await main().catch((error: unknown) => {
  console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
