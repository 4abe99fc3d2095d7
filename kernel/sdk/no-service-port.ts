/** What a plugin without `grants.servicePort` has in its place. */
import { fail } from '../contract/system/index.ts';
import type { ServicePort } from './plugin.ts';

export const noServicePort: ServicePort = {
  listenTcp: () => Promise.reject(refusal()),
  bindUdp: () => Promise.reject(refusal()),
};

function refusal() {
  return fail('FORBIDDEN', 'this plugin has no service port', 'add servicePort: true to its grants');
}
