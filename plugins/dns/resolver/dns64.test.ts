import { formatIp, readIp } from '@weft/kernel/contract/net';
import test from 'ava';
import type { Question } from '../message/codec.ts';
import { reverseName } from '../message/name.ts';
import { a, aaaa, cname, question, record, soa } from '../test/pretended-upstreams.ts';
import type { Resolution } from '../zone/authority.ts';
import { parseDns64, reverseTarget, synthesise } from './dns64.ts';
import { type Answering, withDns64 } from './dns64-lookup.ts';

const none = Buffer.alloc(0);
const own = parseDns64('2001:db8:64::/96') ?? none;
const wellKnown = parseDns64('64:ff9b::/96') ?? none;
const flags = { dnssecOk: false, checkingDisabled: false };
const resolution = (more: Partial<Resolution>): Resolution => ({
  ...{ rcode: 0, authoritative: false, answers: [], authorities: [], authenticData: true, truncated: false },
  ...more,
});
const empty = resolution({ authorities: [soa('example', 100, 100)] });

/** Asks for AAAA of a.example, or what is said, where names have these answers. */
async function ask(answers: Record<string, Resolution>, asked: Question = question('a.example', 28), more = flags, prefix = own) {
  const looked: string[] = [];
  const lookUp = ({ name, type }: Question): Answering => {
    looked.push(`${name.join('.')} ${type}`);
    return answers[`${name.join('.')} ${type}`] ?? resolution({ rcode: 3 });
  };
  const told = await withDns64(asked, more, prefix, lookUp);
  return { ...told, looked, data: told.answers.map(({ type, data }) => (type === 28 || type === 1 ? readIp(data) : type)) };
}

test('takes prefixes of length 96 only', (t) => {
  t.is(wellKnown.toString('hex'), '0064ff9b0000000000000000');
  for (const text of [undefined, '64:ff9b::/64', '10.0.0.0/24', 'x', '64:ff9b::/97']) t.is(parseDns64(text), undefined);
});

test('makes AAAA of A when there is none (RFC 6147 §5.1)', async (t) => {
  const { data, answers, looked, authenticData, authorities } = await ask({
    'a.example 28': empty,
    'a.example 1': resolution({ answers: [a('a.example', 50, '10.0.0.1'), a('a.example', 50, '198.51.100.7')] }),
  });
  t.deepEqual(data, ['2001:db8:64::a00:1', '2001:db8:64::c633:6407']);
  t.deepEqual(looked, ['a.example 28', 'a.example 1']);
  t.is(answers[0]?.ttl, 50);
  t.false(authenticData);
  t.deepEqual(authorities, []);
});

test('leaves real AAAA alone, and asks for nothing else', async (t) => {
  const { data, looked } = await ask({ 'a.example 28': resolution({ answers: [aaaa('a.example', 9, '2001:db8::1')] }) });
  t.deepEqual(data, ['2001:db8::1']);
  t.is(looked.length, 1);
});

test('mapped addresses count as none (§5.1.4)', async (t) => {
  const ipv4 = resolution({ answers: [a('a.example', 50, '198.51.100.7')] });
  const mapped = aaaa('a.example', 9, '::ffff:198.51.100.7');
  t.deepEqual((await ask({ 'a.example 28': resolution({ answers: [mapped] }), 'a.example 1': ipv4 })).data, ['2001:db8:64::c633:6407']);
  const both = resolution({ answers: [mapped, aaaa('a.example', 9, '2001:db8::1')] });
  t.deepEqual((await ask({ 'a.example 28': both, 'a.example 1': ipv4 })).data, ['2001:db8::1']);
});

test('a name that does not exist has no addresses (§5.1.2)', async (t) => {
  const { rcode, looked } = await ask({
    'a.example 28': resolution({ rcode: 3 }),
    'a.example 1': resolution({ answers: [a('a.example', 9)] }),
  });
  t.is(rcode, 3);
  t.is(looked.length, 1);
});

test('a failed question for AAAA counts as an empty answer', async (t) => {
  const ipv4 = resolution({ answers: [a('a.example', 50, '198.51.100.7')] });
  t.like(await ask({ 'a.example 28': resolution({ rcode: 2 }), 'a.example 1': ipv4 }), { rcode: 0, data: ['2001:db8:64::c633:6407'] });
  t.is((await ask({ 'a.example 28': resolution({ rcode: 2 }), 'a.example 1': resolution({ rcode: 2 }) })).rcode, 2);
});

test('without A the empty answer stays (§5.1.6)', async (t) => {
  const { answers, authorities, rcode } = await ask({ 'a.example 28': empty, 'a.example 1': empty });
  t.deepEqual([answers.length, authorities.length, rcode], [0, 1, 0]);
});

test('lives no longer than the missing AAAA, 600 s without SOA (§5.1.7)', async (t) => {
  const ipv4 = resolution({ answers: [a('a.example', 5000)] });
  t.is((await ask({ 'a.example 28': empty, 'a.example 1': ipv4 })).answers[0]?.ttl, 100);
  t.is((await ask({ 'a.example 28': resolution({}), 'a.example 1': ipv4 })).answers[0]?.ttl, 600);
});

test('aliases stay (§5.1.5)', async (t) => {
  const alias = cname('a.example', 70, 'b.example');
  const { data, answers } = await ask({
    'a.example 28': resolution({ answers: [alias], authorities: [soa('example', 100, 100)] }),
    'a.example 1': resolution({ answers: [alias, a('b.example', 50, '198.51.100.7')] }),
  });
  t.deepEqual(data, [5, '2001:db8:64::c633:6407']);
  t.deepEqual(answers[1]?.name, ['b', 'example']);
  t.is(answers[0]?.ttl, 70);
});

test('who validates gets what there is (§5.5)', async (t) => {
  const ipv4 = resolution({ answers: [a('a.example', 50), record('a.example', 46, 50, Buffer.alloc(20))] });
  const answers = { 'a.example 28': empty, 'a.example 1': ipv4 };
  t.is((await ask(answers, undefined, { dnssecOk: true, checkingDisabled: true })).answers.length, 0);
  t.deepEqual(
    (await ask(answers, undefined, { dnssecOk: true, checkingDisabled: false })).data,
    ['2001:db8:64::c000:250'],
    'without the signature of A',
  );
  t.is((await ask(answers, undefined, { dnssecOk: false, checkingDisabled: true })).answers.length, 1);
});

test('other types and classes are not touched', async (t) => {
  const ipv4 = resolution({ answers: [a('a.example', 50, '198.51.100.7')] });
  t.deepEqual((await ask({ 'a.example 1': ipv4 }, question('a.example'))).data, ['198.51.100.7']);
  t.is((await ask({ 'a.example 28': empty, 'a.example 1': ipv4 }, { ...question('a.example', 28), class: 3 })).answers.length, 0);
});

test('the well-known prefix tells no private addresses (RFC 6052 §3.1)', (t) => {
  const made = (address: string) => synthesise([a('a.example', 9, address)], wellKnown).length;
  const hidden = ['0.0.0.1', '10.1.0.1', '100.64.0.1', '127.0.0.1', '169.254.1.1', '172.16.0.1', '172.31.0.1', '192.0.0.1', '192.168.0.1'];
  for (const address of [...hidden, '198.18.0.1', '224.0.0.1', '255.255.255.255']) t.is(made(address), 0, address);
  for (const address of ['8.8.8.8', '100.128.0.1', '172.32.0.1', '192.0.0.170', '192.0.2.1', '198.51.100.1'])
    t.is(made(address), 1, address);
  const mixed = synthesise([a('a.example', 9, '10.0.0.1'), a('a.example', 9, '8.8.8.8')], wellKnown);
  t.deepEqual(
    mixed.map(({ data }) => readIp(data)),
    ['64:ff9b::808:808'],
  );
  t.deepEqual(synthesise([cname('a.example', 9, 'b.example'), a('b.example', 9, '10.0.0.1')], wellKnown), [], 'no alias alone');
});

test('names of made addresses are those of the addresses in them (§5.3.1)', async (t) => {
  const name = reverseName('2001:db8:64::c633:6407').join('.');
  const target = reverseName('198.51.100.7').join('.');
  const pointer = record(target, 12, 30, Buffer.from([1, 65, 0]));
  const told = await ask({ [`${target} 12`]: resolution({ answers: [pointer] }) }, question(name.toUpperCase(), 12));
  t.deepEqual(told.data, [5, 12]);
  t.is(told.answers[0]?.ttl, 30);
  t.is((await ask({}, question(name, 12))).rcode, 3);
  const { looked } = await ask({}, question(reverseName('2001:db8:65::1').join('.'), 12));
  t.deepEqual(looked, [`${reverseName('2001:db8:65::1').join('.')} 12`], 'outside of the prefix');
  for (const odd of [question(name, 1), question(`x.${name}`, 12), question(name.slice(2), 12), { ...question(name, 12), class: 3 }]) {
    t.is(reverseTarget(odd, own), undefined);
  }
});

test('ipv4only.arpa tells the prefix, without any upstream (RFC 7050, RFC 8880)', async (t) => {
  const named = (text: string, type: number) => ask({}, question(text, type), flags, wellKnown);
  const { data, looked, answers } = await named('IPv4Only.ARPA', 28);
  t.deepEqual(data, ['64:ff9b::c000:aa', '64:ff9b::c000:ab']);
  t.deepEqual(answers[0]?.name, ['IPv4Only', 'ARPA']);
  t.deepEqual(looked, []);
  t.deepEqual((await named('ipv4only.arpa', 1)).data, ['192.0.0.170', '192.0.0.171']);
  t.like(await named('ipv4only.arpa', 16), { rcode: 0, answers: [] });
  t.is((await named('ipv4only.arpa', 16)).authorities[0]?.type, 6);
  t.is((await named('x.ipv4only.arpa', 1)).rcode, 3);
  t.deepEqual((await named('170.0.0.192.in-addr.arpa', 12)).data, [12]);
  const made = reverseName(formatIp({ family: 6, value: 0x64ff9b0000000000000000c00000aan })).join('.');
  t.deepEqual((await named(made, 12)).data, [5, 12]);
});
