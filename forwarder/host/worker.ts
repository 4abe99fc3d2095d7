/** The Worker of the forwarder process: decides about rows and reads tables. It owns no socket, so that its death harms nobody (see relay.ts). */
import { parentPort, workerData } from 'node:worker_threads';
import { Forwarder } from '../binding/index.ts';
import { Control } from './control.ts';
import { block } from './faults.ts';
import { HostRows } from './host-rows.ts';
import { makeLog } from './log.ts';
import { PuntClasses } from './punt-classes.ts';
import { Answerer, type FromWorker, type Peers, type ToWorker } from './relay.ts';
import { ServicePorts } from './service-ports.ts';

export interface WorkerData {
  readonly logLevel: string;
  readonly linkTag: string;
}

if (parentPort === null) throw new Error('worker.ts runs in a Worker of host/main.ts only');
const port = parentPort;
const { logLevel, linkTag } = workerData as WorkerData;
const log = makeLog(logLevel, 'worker');
const forwarder = new Forwarder();
const rows = new HostRows(forwarder);
const control = new Control(forwarder, new PuntClasses(rows));
const servicePorts = new ServicePorts(rows, linkTag);
const post = (message: FromWorker): void => port.postMessage(message);
const answerer = new Answerer((peer, method, input) => control.call(peer, method, input), post);

function setServicePorts(peers: Peers): void {
  try {
    servicePorts.set(Object.keys(peers).filter((name) => peers[name]?.grants.servicePort === true));
  } catch (thrown) {
    log.error(`service ports cannot be made: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
  }
}

port.on('message', (message: ToWorker) => {
  if (message.type === 'call') answerer.call(message);
  else if (message.type === 'block') block(message.ms);
  else {
    for (const { plugin, reason } of control.setPeers(message.peers)) log.error(`${plugin} is not served: ${reason}`, { plugin });
    setServicePorts(message.peers);
    const { swept, refused } = control.sweep(message.disabled);
    for (const [plugin, rows] of Object.entries(swept)) log.info(`${plugin} is disabled: its rows are removed`, { plugin, rows });
    for (const { plugin, reason } of refused) log.error(`rows of ${plugin}, which is disabled, stay: ${reason}`, { plugin });
    post({ type: 'peers-done' });
  }
});
