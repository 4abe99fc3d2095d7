/** A small Linux that lives in its initramfs: the cloud kernel, busybox, iperf3. Kept in build/guest. */
import { copyFileSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { top } from './appliance.ts';
import { bringUp, type GuestSystem, madeOnce, makeKernel, must, shell, writeFiles } from './guest-kernel.ts';

const folder = join(top, 'build', 'guest');

/** Brings up nothing but drivers; a shell on a virtio port does what the test says, once it has said so. */
const init = `${bringUp}ip link set lo up
${shell}`;

const udhcpcScript = `#!/bin/sh
case $1 in
deconfig) ip link set $interface up ;;
bound | renew)
	ip address flush dev $interface scope global
	ip address add $ip/$mask dev $interface
	for gateway in $router; do ip route replace default via $gateway dev $interface; done
	for server in $dns; do echo nameserver $server; done >/etc/resolv.conf
	;;
esac
`;

/** A program of this host with the libraries that it loads. */
async function copyProgram(program: string, root: string): Promise<void> {
  const needed = await must('ldd', [program], root);
  for (const path of [program, ...[...needed.matchAll(/(\/\S+) \(0x/g)].map(([, library = '']) => library)]) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    copyFileSync(path, join(root, path));
  }
}

let image: Promise<GuestSystem> | undefined;

/** Made once; later calls and later runs find it until its sources change. Making it needs the package registry. */
export function guestImage(): Promise<GuestSystem> {
  image ??= makeImage();
  return image;
}

async function makeImage(): Promise<GuestSystem> {
  const sources = [import.meta.filename, join(import.meta.dirname, 'guest-kernel.ts')];
  await madeOnce(folder, ['vmlinuz', 'initrd'], sources, (made) =>
    makeKernel(made, async (root) => {
      writeFiles(root, { init, 'etc/udhcpc/default.script': udhcpcScript });
      await copyProgram('/usr/bin/iperf3', root);
    }),
  );
  return { kernel: join(folder, 'vmlinuz'), initrd: join(folder, 'initrd'), memoryMib: 256 };
}
