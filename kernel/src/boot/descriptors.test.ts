import { spawnSync } from 'node:child_process';
import test from 'ava';

const room = new URL('descriptors.ts', import.meta.url).href;

/** What a child of a process sees that itself was started with descriptors 3 and 40 open. */
function seenBelow(before: string): string[] {
  const list = "require('node:child_process').spawnSync('ls', ['/proc/self/fd'], { encoding: 'utf8' }).stdout";
  const program = `import(${JSON.stringify(room)}).then(({ closeInherited }) => { ${before}; process.stdout.write(${list}); })`;
  const command = 'exec 40</etc/hostname 3</etc/hostname; exec "$0" -e "$1"';
  const { stdout } = spawnSync('bash', ['-c', command, process.execPath, program], { encoding: 'utf8' });
  return stdout.split('\n').filter((line) => line !== '');
}

test('children inherit nothing that this process was started with', (t) => {
  t.true(seenBelow('').includes('40'), 'as they would otherwise');
  // 3 is the folder that ls reads
  t.deepEqual(seenBelow('closeInherited()'), ['0', '1', '2', '3']);
});
