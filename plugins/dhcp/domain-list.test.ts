import test from 'ava';
import * as fc from 'fast-check';
import { compressedDomainList, domainList } from './domain-list.ts';

test('writes labels and a zero for each name', (t) => {
  t.is(domainList(['eng.apple.com', 'a.']).toString('hex'), '03656e67056170706c6503636f6d00' + '016100');
  t.is(domainList([]).length, 0);
});

// RFC 3397 §2, its example: "eng.apple.com." and "marketing.apple.com.".
test('points to what stands in the list already (RFC 3397)', (t) => {
  const bytes = compressedDomainList(['eng.apple.com', 'marketing.apple.com']);
  t.is(bytes.toString('hex'), '03656e67056170706c6503636f6d00' + '096d61726b6574696e67c004');
});

test('a name that comes twice, or as the end of an earlier one, is a pointer', (t) => {
  t.is(compressedDomainList(['a.b', 'A.B', 'b']).toString('hex'), '0161016200' + 'c000' + 'c002');
});

/** RFC 1035 §4.1.4, for the test only: pointers must lead backwards. */
function read(list: Buffer): string[] {
  const names: string[] = [];
  for (let at = 0; at < list.length; ) {
    const labels: string[] = [];
    let next: number | undefined;
    let from = at;
    for (let length = list.readUInt8(from); length !== 0; length = list.readUInt8(from)) {
      if (length >= 0xc0) {
        next ??= from + 2;
        const place = list.readUInt16BE(from) & 0x3fff;
        if (place >= from) throw new Error('the pointer does not lead backwards');
        from = place;
      } else {
        labels.push(list.toString('latin1', from + 1, from + 1 + length));
        from += 1 + length;
      }
    }
    at = next ?? from + 1;
    names.push(labels.join('.'));
  }
  return names;
}

const label = fc.stringMatching(/^[a-z0-9]{1,8}$/);
const name = fc.array(label, { minLength: 1, maxLength: 5 }).map((labels) => labels.join('.'));
test('every list reads back, compressed or not, and compression never adds', async (t) => {
  await fc.assert(
    fc.property(fc.array(name, { maxLength: 16 }), (names) => {
      const [plain, compressed] = [domainList(names), compressedDomainList(names)];
      t.deepEqual(read(plain), names);
      t.deepEqual(read(compressed), names);
      t.true(compressed.length <= plain.length);
    }),
  );
});
