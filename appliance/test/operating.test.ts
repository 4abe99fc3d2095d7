/** What an operator looks at: metrics of every process, health, streams that end, and a bundle that gives nothing away. */
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import anyTest, { type TestFn } from 'ava';
import { Appliance, top, until } from '../run/appliance.ts';
import { ask } from './hostile-plugin.ts';

const test = anyTest as TestFn<{ appliance: Appliance; folder: string; canaries: string[] }>;

/** Secrets that were put somewhere. */
const wanted = 500;
const processes = ['kernel', 'forwarder', 'network', 'dhcp', 'dns', 'keeper'];

async function metricsOf(appliance: Appliance): Promise<string> {
  return (await ask(appliance, 'GET', '/metrics')).body as string;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

test.before(async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'weft-operating-'));
  const canaries: string[] = [];
  Object.assign(t.context, { folder, canaries });
  const canary = (): string => {
    const word = `canary-${randomBytes(12).toString('hex')}`;
    canaries.push(word);
    return word;
  };
  for (let at = 0; at < 40; at += 1) process.env[`CANARY_${at}`] = canary();
  const settings = {
    pluginDirs: [join(top, 'plugins'), join(top, 'appliance/test/plugins-keeper')],
    plugins: { keeper: { greeting: canary(), headers: Array.from({ length: 39 }, canary) } },
    api: { tls: { listen: `127.0.0.1:${await freePort()}` } },
  };
  const appliance = new Appliance({ settings: JSON.stringify(settings) });
  Object.assign(t.context, { appliance });
  await appliance.start();
  await seed(appliance, canary);
});

/** Secrets, objects that hold such, tokens, settings over the API. */
async function seed(appliance: Appliance, canary: () => string): Promise<void> {
  const many = <T>(count: number, make: (at: number) => T): T[] => Array.from({ length: count }, (_, at) => make(at));
  const named = (names: string[]): Record<string, string> => Object.fromEntries(names.map((name) => [name, canary()]));
  await appliance.apply([
    ...many(20, (at) => ({ kind: 'Secret', metadata: { name: `s${at}` }, spec: { data: named(many(8, (one) => `word${one}`)) } })),
    ...many(20, (at) => ({
      kind: 'Keepsake',
      metadata: { name: `k${at}`, labels: { note: canary() } },
      spec: {
        userData: `#cloud-config\npassword: ${canary()}`,
        keys: [canary()],
        metaData: { [canary()]: canary() },
        url: `https://a:${canary()}@b`,
        size: 1,
      },
    })),
    ...many(10, (at) => ({ kind: 'Token', metadata: { name: `t${at}` }, spec: { description: canary() } })),
    ...many(10, (at) => ({ kind: 'Project', metadata: { name: `p${at}` }, spec: { description: canary() } })),
  ]);
  for (const at of many(10, (at) => at)) await ask(appliance, 'POST', `/v1/tokens/t${at}/issue`);
  await ask(appliance, 'PUT', '/v1/plugins/keeper', { settings: { greeting: canary(), headers: many(39, canary) } });
  // What is refused is logged, perhaps with what it was.
  await Promise.all(
    many(40, async (at) => {
      await ask(appliance, 'POST', '/v1/apply', {
        objects: [{ kind: 'Keepsake', metadata: { name: 'bad' }, spec: { size: canary(), [canary()]: at } }],
      });
    }),
  );
  await until(async () => (await appliance.weft(['status'])).code === 0, 20_000);
}

test.after.always(async (t) => {
  await t.context.appliance.stop();
  rmSync(t.context.folder, { recursive: true });
});

/** Every form in which a secret could stand in a file. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  // Base64 of a text depends on where in a group of three bytes it begins.
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .slice(shift === 0 ? 0 : 4, -4),
  );
  return [
    secret,
    bytes.toString('hex'),
    ...base64,
    ...base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
    encodeURIComponent(secret),
  ];
}

function findIn(text: string, secrets: readonly string[]): string[] {
  const lower = text.toLowerCase();
  return secrets.filter((secret) => formsOf(secret).some((form) => text.includes(form) || lower.includes(form.toLowerCase())));
}

test.serial('every process tells metrics, all of them documented; one that hangs is missing, the others stay', async (t) => {
  const { appliance } = t.context;
  const text = await metricsOf(appliance);
  for (const name of processes) {
    t.true(text.includes(`weft_scrape_up{process="${name}"} 1\n`), name);
    t.regex(text, new RegExp(`weft_process_resident_memory_bytes\\{process="${name}"\\} \\d{8,}`));
  }
  const page = readFileSync(join(top, 'docs/reference/metrics.md'), 'utf8');
  const families = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name ?? '');
  t.deepEqual(families, [...new Set(families)], 'each family once');
  t.deepEqual(
    families.filter((name) => !page.includes(`| \`${name}\` |`)),
    [],
  );
  const dns = await appliance.pid('dns');
  process.kill(dns, 'SIGSTOP');
  const began = Date.now();
  const without = await metricsOf(appliance);
  t.true(Date.now() - began < 5_000);
  process.kill(dns, 'SIGCONT');
  t.true(without.includes('weft_scrape_up{process="dns"} 0\n'));
  t.true(without.includes('weft_scrape_up{process="dhcp"} 1\n'));
});

test.serial('an interrupted verb ends its stream at the plugin', async (t) => {
  const { appliance } = t.context;
  const listen = () =>
    spawn(join(top, 'kernel/cli/bin/weft'), ['listen', '-o', 'json'], { env: { ...process.env, WEFT_API: appliance.api } });
  const first = (child: ReturnType<typeof listen>) =>
    new Promise<string>((resolve) => child.stdout.once('data', (said) => resolve(String(said))));
  const child = listen();
  t.is(await first(child), '{"listeners":1}\n');
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGINT');
  await ended;
  const alone = await until(async () => {
    const again = listen();
    const said = await first(again);
    again.kill('SIGINT');
    return said === '{"listeners":1}\n';
  }, 5_000);
  t.true(alone, 'the plugin still has the stream that was interrupted');
});

test.serial('a failed plugin makes it unready, alive it stays', async (t) => {
  const { appliance } = t.context;
  const ready = async () => (await ask(appliance, 'GET', '/readyz')).status;
  t.is(await ready(), 200);
  process.kill(await appliance.pid('keeper'), 'SIGKILL');
  t.truthy(await until(async () => (await ready()) === 503, 5_000, 10));
  t.is((await ask(appliance, 'GET', '/healthz')).status, 200);
  t.truthy(await until(async () => (await ready()) === 200, 20_000));
});

test.serial('a support bundle and the logs hold none of 500 secrets', async (t) => {
  const { appliance, folder, canaries } = t.context;
  const tokens = await Promise.all(
    Array.from({ length: 10 }, async (_, at) =>
      ((await ask(appliance, 'POST', `/v1/tokens/t${at}/issue`)).body as { token: string }).token.slice(-43),
    ),
  );
  const key = readFileSync(join(appliance.stateDir, 'tls/key.pem'), 'utf8')
    .split('\n')
    .filter((line) => line.length > 40);
  const secrets = [...canaries, ...tokens, ...key, readFileSync(join(appliance.stateDir, 'secret.key'), 'utf8').trim()];
  t.true(secrets.length >= wanted, `${secrets.length} secrets`);
  const archive = join(folder, 'bundle.tar.gz');
  const settings = join(appliance.stateDir, 'settings.yaml');
  const { stderr } = await appliance.weft(['support-bundle', '-w', archive, '--config', settings]);
  t.is(stderr, '');
  const files = unpack(archive, folder);
  t.true(files.length > 20, `${files.length} files`);
  const logs = readdirSync(join(appliance.stateDir, 'log')).map((name) => join(appliance.stateDir, 'log', name));
  for (const file of [...files, ...logs]) t.deepEqual(findIn(readFileSync(file, 'utf8'), secrets), [], file);
  t.is(findIn(`x${Buffer.from(`ab${secrets[0]}cd`).toString('base64')}y`, secrets).length, 1, 'the search finds what is there');
  const manifest = readFileSync(files.find((file) => file.endsWith('manifest.json')) ?? '', 'utf8');
  for (const said of ['Keepsake: spec.userData', 'settings of keeper: greeting', 'keeper.recall: items[].*', 'Secret: spec'])
    t.true(manifest.includes(said), said);
});

function unpack(archive: string, folder: string): string[] {
  const into = mkdtempSync(join(folder, 'bundle-'));
  execFileSync('tar', ['-xzf', archive, '-C', into]);
  return readdirSync(into, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
  );
}

test.serial('a bundle is made in part while the kernel hangs, and while nothing runs', async (t) => {
  const { appliance, folder } = t.context;
  const kernel = await appliance.pid('kernel');
  const archive = join(folder, 'partial.tar.gz');
  const bundle = () => appliance.weft(['support-bundle', '-w', archive, '--state-dir', appliance.stateDir], { timeoutMs: 30_000 });
  process.kill(kernel, 'SIGSTOP');
  const hanging = await bundle();
  process.kill(kernel, 'SIGCONT');
  t.is(hanging.code, 0, hanging.stderr);
  t.regex(hanging.stderr, /^without status, .+: no connection to Weft: no answer within 5 s/);
  await appliance.stop(false);
  const stopped = await bundle();
  t.is(stopped.code, 0, stopped.stderr);
  t.regex(stopped.stderr, /^without status, .+: Weft is not running here/);
  const names = unpack(archive, folder).map((file) => file.split('/').at(-1));
  for (const name of ['kernel.log', 'forwarder.log', 'host.json', 'manifest.json']) t.true(names.includes(name), name);
});
