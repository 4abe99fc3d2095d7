/** Kernel and initramfs of a small Linux guest, made from Debian packages: the cloud kernel, busybox, iperf3. Kept in build/guest. */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run, top } from './appliance.ts';

export interface GuestImage {
  readonly kernel: string;
  readonly initrd: string;
}

const folder = join(top, 'build', 'guest');
const package_ = 'linux-image-cloud-amd64';
/** In the order in which each finds what it needs. */
const modules = [
  'drivers/virtio/virtio_ring.ko',
  'drivers/virtio/virtio.ko',
  'drivers/virtio/virtio_pci_modern_dev.ko',
  'drivers/virtio/virtio_pci_legacy_dev.ko',
  'drivers/virtio/virtio_pci.ko',
  'net/core/failover.ko',
  'drivers/net/net_failover.ko',
  'drivers/net/virtio_net.ko',
  'drivers/char/virtio_console.ko',
  'net/llc/llc.ko',
  'net/802/stp.ko',
  'net/802/garp.ko',
  'net/802/mrp.ko',
  'net/8021q/8021q.ko',
];

/** Brings up nothing but drivers; a shell on a virtio port does what the test says, once it has said so. */
const init = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in ${modules.map((path) => path.replace(/.*\//, '')).join(' ')}; do insmod /modules/$module; done
ip link set lo up
exec 0<>$(echo /dev/vport*) 1>&0 2>&0
echo "<exit 0 of 0>"
cat | sh
`;

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

async function must(program: string, args: readonly string[], cwd: string): Promise<string> {
  const result = await run(program, args, { cwd, timeoutMs: 300_000 });
  if (result.code !== 0) throw new Error(`${program} ${args.join(' ')}: ${result.stderr}`);
  return result.stdout;
}

/** The package that the meta package names, unpacked; nothing of it is installed. */
async function unpackKernel(): Promise<string> {
  const depends = await must('apt-cache', ['depends', package_], folder);
  const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
  if (name === undefined) throw new Error(`${package_} names no kernel; run: apt-get update`);
  await must('apt-get', ['-q', '-o', 'APT::Sandbox::User=root', 'download', name], folder);
  const file = readdirSync(folder).find((entry) => entry.startsWith(`${name}_`));
  await must('dpkg-deb', ['-x', file ?? name, 'unpacked'], folder);
  return join(folder, 'unpacked');
}

/** A program of this host with the libraries that it loads. */
async function copyProgram(program: string, root: string): Promise<void> {
  const needed = await must('ldd', [program], folder);
  for (const path of [program, ...[...needed.matchAll(/(\/\S+) \(0x/g)].map(([, library = '']) => library)]) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    copyFileSync(path, join(root, path));
  }
}

async function makeInitrd(unpacked: string): Promise<void> {
  const root = join(folder, 'root');
  for (const name of ['bin', 'proc', 'sys', 'dev', 'etc', 'tmp', 'modules', 'etc/udhcpc']) mkdirSync(join(root, name), { recursive: true });
  const version = readdirSync(join(unpacked, 'lib/modules'))[0] ?? '';
  for (const path of modules)
    copyFileSync(join(unpacked, 'lib/modules', version, 'kernel', path), join(root, 'modules', path.replace(/.*\//, '')));
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
  await copyProgram('/usr/bin/iperf3', root);
  for (const [path, text] of [
    ['init', init],
    ['etc/udhcpc/default.script', udhcpcScript],
  ] as const) {
    writeFileSync(join(root, path), text);
    chmodSync(join(root, path), 0o755);
  }
  await must('sh', ['-c', 'find . | busybox cpio -o -H newc 2>/dev/null >../initrd.new'], root);
  renameSync(join(folder, 'initrd.new'), join(folder, 'initrd'));
}

let image: Promise<GuestImage> | undefined;

/** Made once; later calls and later runs find it until this file changes. Making it needs the package registry. */
export function guestImage(): Promise<GuestImage> {
  image ??= makeImage();
  return image;
}

async function makeImage(): Promise<GuestImage> {
  const made = { kernel: join(folder, 'vmlinuz'), initrd: join(folder, 'initrd') };
  const isNewer = (path: string) => existsSync(path) && statSync(path).mtimeMs > statSync(import.meta.filename).mtimeMs;
  if (existsSync(made.kernel) && isNewer(made.initrd)) return made;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const unpacked = await unpackKernel();
  const boot = join(unpacked, 'boot');
  const kernel = readdirSync(boot).find((name) => name.startsWith('vmlinuz-')) ?? '';
  await makeInitrd(unpacked);
  copyFileSync(join(boot, kernel), made.kernel);
  for (const name of readdirSync(folder)) if (!['vmlinuz', 'initrd'].includes(name)) rmSync(join(folder, name), { recursive: true });
  return made;
}
