/** What every guest's image is made from: Debian's cloud kernel with the drivers of QEMU's devices, and a first program that loads them. */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './appliance.ts';

/** What QEMU boots. */
export interface GuestSystem {
  readonly kernel: string;
  readonly initrd: string;
  /** Its root file system, of which each guest has a copy that goes with it; without one the initramfs is all there is. */
  readonly disk?: string;
  readonly memoryMib: number;
  /** Added to those of the kernel. */
  readonly kernelArguments?: string;
}

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
  'drivers/block/virtio_blk.ko',
  'net/llc/llc.ko',
  'net/802/stp.ko',
  'net/802/garp.ko',
  'net/802/mrp.ko',
  'net/8021q/8021q.ko',
];

/** The start of a first program: busybox's shell, with all drivers loaded. */
export const bringUp = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in ${modules.map((path) => path.replace(/.*\//, '')).join(' ')}; do insmod /modules/$module; done
`;

/** A shell that takes commands from a virtio port and says how each ended; see Guest.exec. */
export const shell = `exec 0<>$(echo /dev/vport*) 1>&0 2>&0
echo "<exit 0 of 0>"
cat | sh
`;

/** Its standard output; a failure is an exception. */
export async function must(program: string, args: readonly string[], cwd: string): Promise<string> {
  const result = await run(program, args, { cwd, timeoutMs: 600_000 });
  if (result.code !== 0)
    throw new Error(`${program} ${args.join(' ')}: ${(result.stderr || result.stdout).trim().split('\n').slice(-5).join('\n')}`);
  return result.stdout;
}

/** The package that the meta package names, unpacked below `folder`; nothing of it is installed. */
async function unpackKernel(folder: string): Promise<string> {
  const depends = await must('apt-cache', ['depends', package_], folder);
  const name = /Depends: (linux-image-\S+)/.exec(depends)?.[1];
  if (name === undefined) throw new Error(`${package_} names no kernel; run: apt-get update`);
  await must('apt-get', ['-q', '-o', 'APT::Sandbox::User=root', 'download', name], folder);
  const file = readdirSync(folder).find((entry) => entry.startsWith(`${name}_`));
  await must('dpkg-deb', ['-x', file ?? name, 'unpacked'], folder);
  return join(folder, 'unpacked');
}

/** Puts text files that programs run or read into a root folder. */
export function writeFiles(root: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), text);
    chmodSync(join(root, path), text.startsWith('#!') ? 0o755 : 0o644);
  }
}

/** Writes `vmlinuz` and `initrd` into `folder`: drivers, busybox, and what `fill` puts into the initramfs's root. */
export async function makeKernel(folder: string, fill: (root: string) => Promise<void> | void): Promise<void> {
  const unpacked = await unpackKernel(folder);
  const root = join(folder, 'initramfs');
  for (const name of ['bin', 'proc', 'sys', 'dev', 'etc', 'tmp', 'modules', 'root']) mkdirSync(join(root, name), { recursive: true });
  const version = readdirSync(join(unpacked, 'lib/modules'))[0] ?? '';
  for (const path of modules)
    copyFileSync(join(unpacked, 'lib/modules', version, 'kernel', path), join(root, 'modules', path.replace(/.*\//, '')));
  copyFileSync('/bin/busybox', join(root, 'bin/busybox'));
  await fill(root);
  await must('sh', ['-c', 'find . | busybox cpio -o -H newc 2>/dev/null >../initrd.new'], root);
  renameSync(join(folder, 'initrd.new'), join(folder, 'initrd'));
  copyFileSync(join(unpacked, 'boot', `vmlinuz-${version}`), join(folder, 'vmlinuz'));
}

/**
 * The images' folder, made by `make` in a folder of its own unless it has all of `files`, newer than the `sources` that say what is in
 * them. Of what `make` leaves, only `files` are kept.
 */
export async function madeOnce(
  folder: string,
  files: readonly string[],
  sources: readonly string[],
  make: (folder: string) => Promise<void>,
): Promise<void> {
  const newest = Math.max(...sources.map((source) => statSync(source).mtimeMs));
  if (files.every((file) => existsSync(join(folder, file)) && statSync(join(folder, file)).mtimeMs > newest)) return;
  const unfinished = `${folder}.new`;
  for (const each of [unfinished, folder]) rmSync(each, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  await make(unfinished);
  for (const name of readdirSync(unfinished)) if (!files.includes(name)) rmSync(join(unfinished, name), { recursive: true });
  renameSync(unfinished, folder);
}
