/**
 * Debian as a cloud's image has it: systemd, networkd, resolved, sshd and cloud-init, which finds its data source by itself.
 * Kept in build/guest-debian; what cloud-init should know beforehand is given by the kernel's command line.
 */
import { join } from 'node:path';
import { top } from './appliance.ts';
import { bringUp, type GuestSystem, madeOnce, makeKernel, must, shell, writeFiles } from './guest-kernel.ts';

const folder = join(top, 'build', 'guest-debian');
const suite = 'bookworm';
const mirror = 'http://deb.debian.org/debian';
// debootstrap does not look for who provides python3-cffi-backend-api-*.
const packages = ['systemd-sysv', 'udev', 'dbus', 'systemd-resolved', 'iproute2', 'openssh-server', 'cloud-init', 'python3-cffi-backend'];

const init = `${bringUp}mount /dev/vda /root
mount --move /dev /root/dev
exec switch_root /root /sbin/init
`;

const shellUnit = `[Unit]
Description=Shell for the test
DefaultDependencies=no
After=local-fs.target
[Service]
ExecStart=/usr/local/sbin/test-shell
[Install]
WantedBy=sysinit.target
`;

/** RSA and ECDSA keys take an emulated processor half a minute. */
const cloudConfig = `ssh_genkeytypes: [ed25519]
locale: C.UTF-8
`;

/** Timers and consoles that a guest of a few minutes does not need. */
const unwanted = [
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'dpkg-db-backup.timer',
  'e2scrub_all.timer',
  'fstrim.timer',
  'e2scrub_reap.service',
  'getty@tty1.service',
  'serial-getty@ttyS0.service',
  'systemd-pstore.service',
];

/**
 * cloud-init asks for DHCPv4 first: in a network that has none it should not wait a minute. Each guest gets an identity and keys of
 * its own, as from a cloud's image.
 */
const finish = `echo 'timeout 20;' >>etc/dhcp/dhclient.conf
rm -rf etc/ssh/ssh_host_* var/cache/apt/* var/lib/apt/lists/* usr/share/doc usr/share/locale
: >etc/machine-id
`;

async function makeRoot(made: string): Promise<void> {
  const root = join(made, 'debian');
  await must('debootstrap', ['--variant=minbase', `--include=${packages.join(',')}`, suite, root, mirror], made);
  writeFiles(root, {
    'etc/systemd/system/test-shell.service': shellUnit,
    'usr/local/sbin/test-shell': `#!/bin/sh\n${shell}`,
    'etc/cloud/cloud.cfg.d/90_guest.cfg': cloudConfig,
    'etc/fstab': '/dev/vda / ext4 defaults 0 0\n',
    'etc/hostname': 'image\n',
  });
  await must('systemctl', [`--root=${root}`, 'enable', 'systemd-networkd', 'systemd-resolved', 'test-shell'], made);
  await must('systemctl', [`--root=${root}`, 'mask', ...unwanted], made);
  await must('sh', ['-ec', finish], root);
  await must('mkfs.ext4', ['-q', '-O', '^has_journal', '-d', root, 'disk', '1G'], made);
}

let image: Promise<GuestSystem> | undefined;

/** Made once; later calls and later runs find it until its sources change. Making it takes minutes and the package registry. */
export function debianImage(): Promise<GuestSystem> {
  image ??= makeImage();
  return image;
}

async function makeImage(): Promise<GuestSystem> {
  const sources = [import.meta.filename, join(import.meta.dirname, 'guest-kernel.ts')];
  await madeOnce(folder, ['vmlinuz', 'initrd', 'disk'], sources, async (made) => {
    await makeKernel(made, (root) => writeFiles(root, { init }));
    await makeRoot(made);
  });
  const [kernel, initrd, disk] = ['vmlinuz', 'initrd', 'disk'].map((name) => join(folder, name)) as [string, string, string];
  return { kernel, initrd, disk, memoryMib: 768, kernelArguments: 'net.ifnames=0' };
}
