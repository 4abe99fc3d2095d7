/**
 * The units of systemd(1) that run Weft: one service for the launcher, which starts all other processes itself and limits them in the control groups
 * that systemd delegates to it. See docs/decisions/0015-containment.md.
 */
import { limitsOf, type Manifest } from '../contract/system/index.ts';

/** Where the appliance has the program. */
const programDir = '/opt/weft';

/**
 * What launcher and forwarder do as root: build worlds and give up rights (SYS_ADMIN, SYS_CHROOT, SETUID, SETGID, SETPCAP), own folders of others
 * (CHOWN, FOWNER, DAC_OVERRIDE), end processes of others (KILL, SYS_PTRACE for their namespaces), links and packets (NET_ADMIN, NET_RAW), memory and
 * threads of the packet path (IPC_LOCK, SYS_NICE, SYS_RESOURCE).
 */
const capabilities =
  'CAP_SYS_ADMIN CAP_SYS_CHROOT CAP_SETUID CAP_SETGID CAP_SETPCAP CAP_CHOWN CAP_FOWNER CAP_DAC_OVERRIDE CAP_KILL CAP_SYS_PTRACE ' +
  'CAP_NET_ADMIN CAP_NET_RAW CAP_IPC_LOCK CAP_SYS_NICE CAP_SYS_RESOURCE';

const head = '# Written by npm run gen. Change it by a drop-in: systemctl edit';

/** A comment: what the launcher does to this plugin's process, in the words of systemd.exec(5) and systemd.resource-control(5). */
function confinementOf(manifest: Manifest): string {
  const { memoryMib, cpuPercent, tasks, stateMib } = limitsOf(manifest);
  const network = manifest.grants.outside === true ? 'no' : 'yes';
  return `#   ${manifest.name}: MemoryMax=${memoryMib}M CPUQuota=${cpuPercent}% TasksMax=${tasks} LimitFSIZE=${stateMib}M PrivateNetwork=${network}`;
}

export function serviceUnit(manifests: readonly Manifest[]): string {
  return `${head} weft.service
[Unit]
Description=Weft virtual network appliance
After=local-fs.target network-pre.target

[Service]
Type=exec
ExecStart=${programDir}/kernel/cli/bin/weft up
Restart=on-failure
RestartSec=1s
# SIGTERM goes to the launcher alone: it ends the others in their order.
KillMode=mixed
TimeoutStopSec=30s
Slice=weft.slice
StateDirectory=weft

# The launcher makes a group for each plugin below the unit's own, and confines its process as by
#   CapabilityBoundingSet= NoNewPrivileges=yes ProtectSystem=strict PrivateTmp=yes ProtectProc=invisible PrivateIPC=yes LimitCORE=0
# with a uid of its own, a root that holds little more than the program, and
${manifests.map(confinementOf).join('\n')}
Delegate=cpu memory pids
# A plugin beyond its memory is ended alone.
OOMPolicy=continue
# Each plugin has its own number.
TasksMax=infinity

# Launcher and forwarder
CapabilityBoundingSet=${capabilities}
NoNewPrivileges=yes
ProtectSystem=full
ProtectClock=yes
ProtectHostname=yes
ProtectKernelLogs=yes
LockPersonality=yes
SystemCallArchitectures=native
LimitCORE=0
LimitMEMLOCK=infinity
LimitNOFILE=1048576

[Install]
WantedBy=multi-user.target
`;
}

/** A unit as it would be without plugins that are not in the tree any more. */
export function withPlugins(unit: string, names: ReadonlySet<string>): string {
  return unit
    .split('\n')
    .filter((line) => {
      const name = /^# {3}([a-z0-9-]+): /.exec(line)?.[1];
      return name === undefined || names.has(name);
    })
    .join('\n');
}

export function sliceUnit(): string {
  return `${head} weft.slice
[Unit]
Description=All of Weft

[Slice]
CPUAccounting=yes
MemoryAccounting=yes
TasksAccounting=yes
`;
}
