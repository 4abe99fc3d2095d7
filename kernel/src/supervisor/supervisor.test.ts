import test from 'ava';
import { type ChildState, type KernelToLauncher, limitsOf, type ProcessSpec } from '../../contract/system/index.ts';
import { type Clock, type PluginState, type PluginToRun, Supervisor } from './index.ts';
import { crashesAllowed, crashWindowMs, missesAllowed, overuseToldMs, pingIntervalMs, readyDeadlineMs } from './rules.ts';

const plugin: PluginToRun = {
  name: 'dhcp',
  entry: 'plugins/dhcp/index.ts',
  grants: { rows: [], reads: [], writes: [] },
  puntClasses: [],
  limits: limitsOf({}),
  settings: {},
};

class World implements Clock {
  time = 0;
  readonly sent: KernelToLauncher[] = [];
  readonly alarms = new Map<string, string>();
  readonly phases: string[] = [];
  answers = true;
  readonly supervisor: Supervisor;
  #tick: () => void = () => undefined;

  constructor() {
    this.supervisor = new Supervisor({
      clock: this,
      send: (message) => this.sent.push(message),
      ping: () => (this.answers ? Promise.resolve() : Promise.reject(new Error('silent'))),
      alarm: (name, text) => (text === null ? this.alarms.delete(name) : this.alarms.set(name, text)),
      onChange: (state: PluginState) => this.phases.push(state.phase),
    });
  }

  now(): number {
    return this.time;
  }

  every(_: number, callback: () => void): () => void {
    this.#tick = callback;
    return () => undefined;
  }

  /** Lets time pass in whole rounds. */
  async rounds(count: number): Promise<void> {
    for (let round = 0; round < count; round++) {
      this.time += pingIntervalMs;
      this.#tick();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** The whole machine stands still, then one late tick. */
  async standStill(ms: number): Promise<void> {
    this.time += ms;
    this.#tick();
    await new Promise((resolve) => setImmediate(resolve));
  }

  wanted(): readonly ProcessSpec[] {
    const last = this.sent.findLast((message) => message.type === 'want');
    return last?.type === 'want' ? last.processes : [];
  }

  child(pid: number | null, restarts = 0, overuse?: string): void {
    const state: ChildState = { name: 'dhcp', pid, publicKey: 'k', startedAt: '2026-01-01T00:00:00Z', restarts };
    const exit = { code: 1, signal: null, at: '2026-01-01T00:00:00Z', ...(overuse === undefined ? {} : { overuse }) };
    this.supervisor.children([pid === null ? { ...state, exit } : state]);
  }

  serve(): void {
    this.supervisor.setWanted([plugin], []);
    this.child(100);
    this.supervisor.ready('dhcp');
  }

  phase(): string {
    return this.supervisor.state('dhcp').phase;
  }
}

test('an enabled plugin is wanted, starts, and is ready when it says so', (t) => {
  const world = new World();
  world.supervisor.setWanted([plugin], []);
  t.like(world.wanted(), [{ name: 'dhcp', epoch: 0 }]);
  world.child(100);
  t.is(world.phase(), 'starting');
  world.supervisor.ready('dhcp');
  t.like(world.supervisor.state('dhcp'), { phase: 'ready', reason: '', pid: 100 });
  t.deepEqual(world.sent.at(-1), { type: 'plugin-ready', name: 'dhcp' });
});

test('a disabled plugin is wanted no more and says how to enable it', (t) => {
  const world = new World();
  world.serve();
  world.supervisor.setWanted([], ['dhcp']);
  t.deepEqual(world.sent.at(-1), { type: 'want', processes: [], failed: [], disabled: ['dhcp'] });
  t.like(world.supervisor.state('dhcp'), { phase: 'disabled', reason: 'disabled: enable it with weft plugin enable dhcp' });
});

test('the launcher hears of an enabled plugin that cannot run as of one that has failed: Weft is not ready without it', (t) => {
  const world = new World();
  world.supervisor.setWanted([], [], ['dhcp']);
  t.deepEqual(world.sent.at(-1), { type: 'want', processes: [], failed: ['dhcp'], disabled: [] });
});

test('a plugin that is not ready in time is started anew, with an alarm when it goes on', async (t) => {
  const world = new World();
  world.supervisor.setWanted([plugin], []);
  world.child(100);
  const rounds = readyDeadlineMs / pingIntervalMs + 1;
  await world.rounds(rounds - 1);
  t.is(world.wanted()[0]?.epoch, 0);
  await world.rounds(1);
  t.is(world.wanted()[0]?.epoch, 1);
  t.is(world.alarms.size, 0);
  await world.rounds(2 * rounds);
  t.is(world.wanted()[0]?.epoch, missesAllowed);
  t.regex(world.alarms.get('dhcp') ?? '', /not ready 60 s after its start/);
});

test('a plugin that leaves pings unanswered is started anew', async (t) => {
  const world = new World();
  world.serve();
  await world.rounds(10);
  t.is(world.wanted()[0]?.epoch, 0);
  world.answers = false;
  await world.rounds(missesAllowed);
  t.is(world.phase(), 'ready');
  await world.rounds(1);
  t.is(world.phase(), 'restarting');
  t.is(world.wanted()[0]?.epoch, 1);
});

test('one answer forgives earlier silence', async (t) => {
  const world = new World();
  world.serve();
  world.answers = false;
  await world.rounds(missesAllowed - 1);
  world.answers = true;
  await world.rounds(1);
  world.answers = false;
  await world.rounds(missesAllowed - 1);
  t.is(world.phase(), 'ready');
});

test('after the whole machine stood still nobody is restarted', async (t) => {
  const world = new World();
  world.serve();
  world.answers = false;
  await world.rounds(missesAllowed);
  world.answers = true;
  await world.standStill(30_000);
  await world.rounds(3);
  t.is(world.phase(), 'ready');
  t.is(world.wanted()[0]?.epoch, 0);
});

test('standing still does not count towards readiness', async (t) => {
  const world = new World();
  world.supervisor.setWanted([plugin], []);
  world.child(100);
  await world.standStill(60_000);
  t.is(world.wanted()[0]?.epoch, 0);
});

test('a crash is restarted by the launcher; a loop of them is given up with an alarm', (t) => {
  const world = new World();
  world.serve();
  for (let crash = 1; crash < crashesAllowed; crash++) {
    world.child(null, crash);
    t.like(world.supervisor.state('dhcp'), { phase: 'restarting', reason: 'its process ended with exit code 1' });
    world.child(100 + crash, crash);
    t.is(world.phase(), 'starting');
  }
  world.child(null, crashesAllowed);
  t.is(world.phase(), 'failed');
  world.child(200, crashesAllowed);
  world.supervisor.children([]);
  t.is(world.supervisor.state('dhcp').pid, null, 'the launcher has stopped it');
  t.deepEqual(world.sent.at(-1), { type: 'want', processes: [], failed: ['dhcp'], disabled: [] });
  t.regex(world.alarms.get('dhcp') ?? '', /ended 5 times within 60 s .* weft plugin restart dhcp/);
});

test('crashes far apart are no loop', (t) => {
  const world = new World();
  world.serve();
  for (let crash = 1; crash < 20; crash++) {
    world.time += crashWindowMs / 4;
    world.child(null, crash);
    world.child(100 + crash, crash);
  }
  t.is(world.phase(), 'starting');
});

test('a plugin that went beyond a limit is told by an alarm for a while, though it serves again', async (t) => {
  const world = new World();
  const overuse = 'it used more than its 256 MiB of memory';
  world.serve();
  world.child(null, 1, overuse);
  t.like(world.supervisor.state('dhcp'), { phase: 'restarting', reason: overuse });
  world.child(101, 1);
  world.supervisor.ready('dhcp');
  t.is(world.phase(), 'ready');
  t.regex(world.alarms.get('dhcp') ?? '', /^plugin dhcp: it used more than its 256 MiB of memory and was started again at /);
  await world.rounds(overuseToldMs / pingIntervalMs + 1);
  t.is(world.alarms.size, 0);
});

test('a plugin that goes beyond a limit again and again fails with that as the reason', (t) => {
  const world = new World();
  world.serve();
  for (let crash = 1; crash <= crashesAllowed; crash++) {
    world.child(null, crash, 'it wanted more than its 64 threads');
    if (crash < crashesAllowed) world.child(100 + crash, crash);
  }
  t.is(world.phase(), 'failed');
  t.regex(world.alarms.get('dhcp') ?? '', /stays down \(it wanted more than its 64 threads\)/);
});

test('after a restart by the operator an earlier overuse is no news', (t) => {
  const world = new World();
  world.serve();
  world.child(null, 1, 'it used more than its 256 MiB of memory');
  world.supervisor.restart('dhcp');
  world.child(101, 1);
  world.supervisor.ready('dhcp');
  t.is(world.alarms.size, 0);
});

test('the operator brings a failed plugin back', (t) => {
  const world = new World();
  world.serve();
  for (let crash = 1; crash <= crashesAllowed; crash++) world.child(null, crash);
  t.is(world.phase(), 'failed');
  world.supervisor.restart('dhcp');
  t.like(world.wanted(), [{ name: 'dhcp', epoch: 1 }]);
  world.child(200, crashesAllowed);
  world.supervisor.ready('dhcp');
  t.is(world.phase(), 'ready');
  t.is(world.alarms.size, 0);
});

for (const [what, act] of [
  ['a restart', (supervisor: Supervisor) => supervisor.restart('dhcp')],
  ['enabling it once more', (supervisor: Supervisor) => supervisor.forgive('dhcp')],
  [
    'disabling and enabling it',
    (supervisor: Supervisor) => {
      supervisor.setWanted([], ['dhcp']);
      supervisor.setWanted([plugin], []);
      supervisor.forgive('dhcp');
    },
  ],
] as const)
  test(`${what} by the operator makes earlier crashes count no longer`, (t) => {
    const world = new World();
    world.serve();
    for (let crash = 1; crash <= 20; crash++) {
      world.child(null, crash);
      world.child(100 + crash, crash);
      if (crash % (crashesAllowed - 1) === 0) act(world.supervisor);
    }
    t.not(world.phase(), 'failed');
    for (let crash = 21; crash < 20 + crashesAllowed; crash++) world.child(null, crash);
    t.not(world.phase(), 'failed');
    world.child(null, 20 + crashesAllowed);
    t.is(world.phase(), 'failed');
  });

test('enabling a failed plugin once more brings it back, a running one is left alone', (t) => {
  const world = new World();
  world.serve();
  world.supervisor.forgive('dhcp');
  t.like(world.wanted(), [{ epoch: 0 }]);
  for (let crash = 1; crash <= crashesAllowed; crash++) world.child(null, crash);
  t.is(world.phase(), 'failed');
  world.supervisor.forgive('dhcp');
  t.like(world.wanted(), [{ name: 'dhcp', epoch: 1 }]);
  t.is(world.phase(), 'restarting');
});

test('a kernel that starts late takes earlier restarts as history', (t) => {
  const world = new World();
  world.supervisor.setWanted([plugin], []);
  world.child(100, 40);
  t.is(world.phase(), 'starting');
  world.supervisor.ready('dhcp');
  t.is(world.phase(), 'ready');
});

test('a plugin that does what it may not is ended and named, and too many of those make it fail', (t) => {
  const world = new World();
  world.supervisor.setWanted([plugin], []);
  world.supervisor.ready('dhcp');
  world.supervisor.fault('dhcp', 'it was refused 1000 acts');
  t.is(world.wanted()[0]?.epoch, 1);
  t.regex(world.alarms.get('dhcp') ?? '', /plugin dhcp: it was refused 1000 acts/);
  for (let n = 1; n < crashesAllowed; n++) world.supervisor.fault('dhcp', 'it was refused 1000 acts');
  t.deepEqual(world.wanted(), []);
  t.is(world.supervisor.state('dhcp').phase, 'failed');
  world.supervisor.fault('dhcp', 'again');
  t.is(world.supervisor.state('dhcp').phase, 'failed');
});
