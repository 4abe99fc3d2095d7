import test from 'ava';
import { parsePing } from './idle.ts';

test('round trips of ping', (t) => {
  const text = [
    'PING 10.77.0.2 (10.77.0.2) 56(84) bytes of data.',
    '64 bytes from 10.77.0.2: icmp_seq=1 ttl=64 time=0.042 ms',
    '64 bytes from 10.77.0.2: icmp_seq=2 ttl=64 time=12.3 ms',
    '2 packets transmitted, 2 received, 0% packet loss, time 2ms',
  ].join('\n');
  t.deepEqual(parsePing(text), [42, 12_300]);
});

test('no answer, no round trip', (t) => {
  t.deepEqual(parsePing('1 packets transmitted, 0 received, 100% packet loss, time 0ms'), []);
});
