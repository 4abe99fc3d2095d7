import test from 'ava';
import { documentSettings, loadSettings, readSettings, settingsSchema } from './index.ts';

test('an empty file gives the defaults', async (t) => {
  const settings = await readSettings('', 'weft.yaml');
  t.like(settings, {
    stateDir: '/var/lib/weft',
    forwarder: { hugepages: false },
    store: { retention: 100_000 },
    plugins: {},
  });
});

test('a file overrides what it names only', async (t) => {
  const settings = await readSettings(
    'logLevel: debug\nforwarder: {maxPorts: 32}\nplugins: {dns: {upstreams: ["192.0.2.1"]}}\n',
    'weft.yaml',
  );
  t.like(settings, { logLevel: 'debug', forwarder: { maxPorts: 32, memoryMib: 64 }, plugins: { dns: { upstreams: ['192.0.2.1'] } } });
  t.deepEqual((await readSettings('', 'x')).plugins, {});
});

test('further administrators are numeric user ids', async (t) => {
  t.deepEqual((await readSettings('api: {admins: [1000, 1001]}', 'weft.yaml')).api.admins, [1000, 1001]);
});

const refused: [string, string, RegExp, RegExp][] = [
  ['an unknown setting', 'logLevl: debug', /^logLevl is no setting \(weft\.yaml\)$/, /did you mean "logLevel"/],
  ['an unknown nested setting', 'forwarder: {maxPort: 4}', /^forwarder\.maxPort is no setting/, /did you mean "maxPorts"/],
  ['a number out of range', 'forwarder: {cpu: 9999}', /^forwarder\.cpu must be a whole number from -1 to 1023/, /packet thread/],
  ['too long a time', 'forwarder: {flows: {udp: 2592001}}', /^forwarder\.flows\.udp must be a whole number from 1 to 2592000/, /UDP/],
  [
    'a pick-up that is none',
    'forwarder: {flows: {tcpPickup: no}}',
    /^forwarder\.flows\.tcpPickup must be one of the possible values/,
    /without SYN/,
  ],
  ['a wrong type', 'forwarder: {hugepages: maybe}', /^forwarder\.hugepages must be true or false/, /hugepages/],
  ['a word that is none of the choices', 'logLevel: loud', /^logLevel must be one of the possible values/, /severity/],
  ['a relative path', 'stateDir: here', /^stateDir must be an absolute path/, /survive a restart/],
  ['a value instead of a map', 'forwarder: 5', /^forwarder must be a map of settings/, /memoryMib/],
  ['an administrator by name', 'api: {admins: [alice]}', /^api\.admins must be a list of numeric user ids/, /use the API/],
  ['a list instead of settings', '- a', /must be a map of settings/, /logLevel/],
  ['plugin settings that are no map', 'plugins: {dns: 5}', /^plugins\.dns must be a map of settings/, /README/],
  ['limits that are no map', 'limits: 5', /^limits must map names of plugins/, /memoryMib: 512/],
  ['a limit that is none', 'limits: {dns: {threads: 5}}', /^limits\.dns\.threads is no limit/, /memoryMib, cpuPercent, tasks, stateMib/],
  ['a limit of nothing', 'limits: {dns: {tasks: 0}}', /^limits\.dns\.tasks must be a whole number above 0/, /write one/],
  ['broken YAML', 'a: [', /^weft\.yaml is not YAML/, /correct that line/],
];
for (const [name, text, message, fix] of refused) {
  test(`refuses ${name}`, async (t) => {
    const failure = await t.throwsAsync(readSettings(text, 'weft.yaml'), { message });
    t.like(failure, { error: { code: 'INVALID' } });
    t.regex((failure as unknown as { error: { fix: string } }).error.fix, fix);
  });
}

test('a file that is not there is named', async (t) => {
  await t.throwsAsync(loadSettings('/nowhere/weft.yaml'), { message: 'the configuration file does not exist (/nowhere/weft.yaml)' });
});

test('the schema of the settings has each with its range, default and meaning, and those of plugins', (t) => {
  const { properties } = settingsSchema({ toys: { type: 'object', properties: { size: { type: 'integer' } } } }) as {
    properties: Record<string, { properties: Record<string, unknown> }>;
  };
  t.deepEqual(properties.forwarder?.properties.memoryMib, {
    type: 'integer',
    minimum: 64,
    maximum: 65_536,
    description: 'packet memory, MiB',
    default: 64,
  });
  t.like(properties.logLevel, { enum: ['trace', 'debug', 'info', 'warn', 'error'], default: 'info' });
  t.like(properties.api?.properties.admins, { type: 'array' });
  t.like(properties.plugins?.properties, { toys: { type: 'object' } });
});

test('every setting is documented', (t) => {
  const settings = documentSettings();
  t.true(settings.some((setting) => setting.name === 'forwarder.debug.faults'));
  for (const setting of settings) t.regex(setting.doc, /\w{2}/, setting.name);
});
