import type { DhcpOptions } from '@weft/kernel/contract/net';
import test from 'ava';
import { toldOptions } from './told-options.ts';

const network: DhcpOptions = {
  ntp: ['10.1.0.5', '2001:db8::5'],
  domainSearch: ['red.example'],
  tftpServerName: 'boot.red.example',
  custom: [
    { code: 224, text: 'network' },
    { code: 225, hex: '0aFF' },
    { family: 6, code: 224, text: 'six' },
  ],
};
const subnet: DhcpOptions = { ntp: ['10.1.0.6'], bootFile: 'subnet.0', custom: [{ code: 224, text: 'subnet' }] };
const port: DhcpOptions = { domainSearch: [], bootFile: 'port.0', tftpServers: ['10.1.0.7'], custom: [{ code: 226, hex: '' }] };

const text = (custom: ReadonlyMap<number, Buffer>): [number, string][] =>
  [...custom].map(([code, value]) => [code, value.toString('latin1')]);

test('the port goes before the subnet and that before the network, field by field', (t) => {
  const told = toldOptions(4, [port, subnet, network]);
  t.like(told, { ntp: ['10.1.0.6'], domainSearch: [], tftpServerName: 'boot.red.example', bootFile: 'port.0', tftpServers: ['10.1.0.7'] });
  t.deepEqual(text(told.custom), [
    [224, 'subnet'],
    [225, '\x0a\xff'],
    [226, ''],
  ]);
});

test('each family is told its own', (t) => {
  const told = toldOptions(6, [undefined, undefined, network]);
  t.deepEqual(told.ntp, ['2001:db8::5']);
  t.deepEqual(text(told.custom), [[224, 'six']]);
});

test('nothing is told where nothing is said', (t) => {
  const nothing = { ntp: [], domainSearch: undefined, tftpServerName: '', bootFile: '', tftpServers: [], custom: new Map() };
  t.deepEqual(toldOptions(4, [undefined, {}]), nothing);
});
