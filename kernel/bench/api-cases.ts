/** What is measured of an API, once each a round. */
import type { Request } from 'autocannon';
import { ask, hammer, percentile, Watchers } from './api-client.ts';
import { type Contestant, objects } from './api-contestants.ts';
import type { Measurement, Rounds } from './measurement.ts';

export interface Extent {
  /** Of each sample under load. */
  readonly seconds: number;
  /** Transactions of 1,000 objects a sample. */
  readonly applies: number;
  readonly watchers: readonly number[];
  /** Single changes whose way to the watchers is timed. */
  readonly changes: number;
}

export interface ApiCase {
  readonly name: string;
  /** Adds the figures of one round; does nothing where the contestant has no such thing. */
  run(contestant: Contestant, rounds: Rounds, extent: Extent): Promise<void>;
}

let serial = 0;

/** No two documents of a run are the same: what does not change is not written. */
function nextVersion(): number {
  serial += 1;
  return serial;
}

const notes: Readonly<Record<string, string>> = {
  weft: 'JSON over HTTP on a unix socket. A write is validated by its schema, planned against references, and flushed to disk before the answer.',
  etcd: 'JSON over HTTP on a unix socket by the gRPC gateway, which translates within the etcd process (native gRPC costs less); values are base64 and not validated. The same bytes as the object of Weft, the same disk, flushed before the answer; one member.',
};

function figure(contestant: Contestant, name: string, title: string): Omit<Measurement, 'values' | 'unit' | 'better'> {
  return { group: 'api', case: name, title, contestant: contestant.name, note: notes[contestant.name] ?? '' };
}

function loadCase(name: string, title: string, connections: number, ask: (contestant: Contestant) => (() => Request) | undefined): ApiCase {
  return {
    name: `${name}, ${connections}`,
    async run(contestant, rounds, { seconds }) {
      const next = ask(contestant);
      if (next === undefined) return;
      const { perSecond, p50, p99 } = await hammer(contestant.socketPath, seconds, connections, next);
      const variant = connections === 1 ? '1 connection' : `${connections} connections`;
      const of = { ...figure(contestant, name, title), variant, size: connections };
      rounds.add({ ...of, unit: '/s', better: 'more' }, perSecond);
      rounds.add({ ...of, unit: 'ms (p50)', better: 'less' }, p50);
      rounds.add({ ...of, unit: 'ms (p99)', better: 'less' }, p99);
    },
  };
}

/** Every object comes along, in an order that is not theirs. */
function visiting(make: (index: number) => Request): () => Request {
  let at = 0;
  return () => {
    at = (at + 617) % objects;
    return make(at);
  };
}

async function must(contestant: Contestant, { method = 'GET', path = '/', body }: Request): Promise<void> {
  await ask(contestant.socketPath, method, path, body?.toString());
}

const applyCase: ApiCase = {
  name: 'apply',
  async run(contestant, rounds, { applies }) {
    const bodies = Array.from({ length: applies }, () => contestant.putAll(objects, nextVersion()));
    for (const body of bodies) {
      const begin = performance.now();
      await must(contestant, body);
      const of = figure(contestant, 'apply', `Change ${objects.toLocaleString('en-US')} objects in one transaction`);
      rounds.add({ ...of, unit: 'ms', better: 'less' }, performance.now() - begin);
    }
  },
};

/** One watch case each for throughput and delay, on the same streams. */
const watchCase: ApiCase = {
  name: 'watch',
  async run(contestant, rounds, { watchers: counts, changes }) {
    for (const count of counts) {
      const watchers = new Watchers();
      const variant = count === 1 ? '1 watcher' : `${count} watchers`;
      try {
        await watchers.open(count, contestant.eventMark, { socketPath: contestant.socketPath, ...contestant.watch });
        const begin = performance.now();
        await must(contestant, contestant.putAll(objects, nextVersion()));
        await watchers.all(objects);
        const seconds = (performance.now() - begin) / 1000;
        const fan = figure(
          contestant,
          'watch',
          `Watch: events delivered while ${objects.toLocaleString('en-US')} objects change in one transaction`,
        );
        rounds.add({ ...fan, variant, size: count, unit: '/s', better: 'more' }, (count * objects) / seconds);
        const delays = await changeDelays(contestant, watchers, changes);
        const delay = {
          ...figure(contestant, 'watch-delay', 'Watch: from a change asked for until the last watcher has it'),
          variant,
          size: count,
        };
        rounds.add({ ...delay, unit: 'ms (p50)', better: 'less' }, percentile(delays, 0.5));
        rounds.add({ ...delay, unit: 'ms (p99)', better: 'less' }, percentile(delays, 0.99));
      } finally {
        watchers.close();
      }
    }
  },
};

async function changeDelays(contestant: Contestant, watchers: Watchers, changes: number): Promise<number[]> {
  const delays: number[] = [];
  const base = watchers.fewest;
  for (let change = 1; change <= changes; change += 1) {
    const begin = performance.now();
    const answered = must(contestant, contestant.put(change % objects, nextVersion()));
    await watchers.all(base + change);
    delays.push(performance.now() - begin);
    await answered;
  }
  return delays;
}

/** `POST` comes last: it adds to what is listed. */
export const apiCases: readonly ApiCase[] = [
  ...[16, 1].map((connections) => loadCase('get-one', 'GET one object', connections, ({ get }) => visiting(get))),
  loadCase('list', `GET a list of ${objects.toLocaleString('en-US')} objects`, 16, ({ list }) => list),
  ...[16, 1].map((connections) =>
    loadCase('put', 'PUT one object, durable', connections, ({ put }) => visiting((index) => put(index, nextVersion()))),
  ),
  loadCase('patch', 'PATCH one object, durable', 16, ({ patch }) =>
    patch === null ? undefined : visiting((index) => patch(index, nextVersion())),
  ),
  applyCase,
  watchCase,
  loadCase('post', 'POST a new object, durable', 16, ({ create }) => (create === null ? undefined : () => create(`n${nextVersion()}`))),
];
