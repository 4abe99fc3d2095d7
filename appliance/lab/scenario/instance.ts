/** Which appliance the lab belongs to, and the names that keep labs of several appliances on one host apart. */
import { createHash } from 'node:crypto';

const defaultApi = 'unix:/run/weft/api.sock';

export interface Instance {
  /** Where records and logs of its labs lie. */
  readonly runDir: string;
  /** Name of a VM's namespace. */
  namespace(lab: string, vm: string): string;
}

/** The appliance that `WEFT_API` names; the default one has the short names. */
export function instanceOf(api: string | undefined): Instance {
  if (api === undefined || api === defaultApi) return { runDir: '/run/weft-lab', namespace: (lab, vm) => `${lab}-${vm}` };
  const hash = createHash('sha256').update(api).digest('hex');
  return { runDir: `/run/weft-lab-${hash.slice(0, 8)}`, namespace: (lab, vm) => `${lab}-${vm}-${hash.slice(0, 4)}` };
}
