/** Starts libforwarder. It loads nothing that packets do not need: a restarted process forwards before it has read the rest of its program. */
import { fail, type Handoff } from '@weft/kernel/contract/system';
import { Forwarder, type StartConfig, tcpPickups } from '../binding/index.ts';
import { stateDescriptor } from './handoff.ts';
import type { Log } from './log.ts';
import type { FlowSettings, ForwarderSettings } from './settings.ts';

const stderr = 2;
/** EAL's numbers. */
const logLevels = { warning: 5, info: 7 } as const;

/** Packets flow when it returns, over rows found in the state memory. Throws UNAVAILABLE with the library's sentence. */
export function startForwarding(settings: ForwarderSettings, log: Log, { logLevel, linkTag = '' }: Handoff): Forwarder {
  const { hugepages, flows, nat, debug: _debug, ...numbers } = settings;
  const eal = { logFd: stderr, logLevel: logLevel === 'debug' ? logLevels.info : logLevels.warning };
  try {
    const forwarder = new Forwarder();
    const own = { linkTag, stateFd: stateDescriptor, hugepages: hugepages ? 1 : 0 };
    const shared = { natAddresses: nat.addresses, natReuseWait: nat.reuseWait };
    const state = forwarder.start({ ...numbers, ...flowConfig(flows), ...shared, ...eal, ...own });
    log.info('packets flow', { ...state });
    if (state.note !== '' || state.discarded > 0) log.error('state memory was damaged', { ...state });
    return forwarder;
  } catch (cause) {
    throw fail('UNAVAILABLE', (cause as Error).message);
  }
}

const pickups = { forward: tcpPickups.FORWARD, either: tcpPickups.EITHER, never: tcpPickups.NEVER } as const;

function flowConfig(flows: FlowSettings) {
  return {
    flowPairs: flows.pairs,
    flowPortPercent: flows.portPercent,
    flowTcpEstablished: flows.tcpEstablished,
    flowTcpTransitory: flows.tcpTransitory,
    flowUdp: flows.udp,
    flowIcmp: flows.icmp,
    flowOther: flows.other,
    flowTcpPickup: pickups[flows.tcpPickup],
  } satisfies Partial<StartConfig>;
}
