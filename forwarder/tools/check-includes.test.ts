import test from 'ava';
import { includeFaults } from './check-includes.ts';

test('an include from a lower layer or the same one is fine', (t) => {
  t.deepEqual(
    includeFaults([{ name: 'fib.c', text: '#include "fib.h"\n#include "lpm.h"\n#include <stdio.h>\n#include "forwarder.h"\n' }]),
    [],
  );
});

test('an include from a higher layer is named', (t) => {
  const [fault, ...rest] = includeFaults([{ name: 'lpm.c', text: '  # include "rows.h"\n' }]);
  t.is(fault, 'src/lpm.c includes "rows.h" from a higher layer: move it down or turn the call round');
  t.deepEqual(rest, []);
});

test('a file that no layer names is a fault, including or included', (t) => {
  t.is(includeFaults([{ name: 'stray.c', text: '' }]).length, 1);
  t.is(includeFaults([{ name: 'rows.c', text: '#include "stray.h"' }]).length, 1);
});
