/** All answers for one port, ready to send. Pure. */
import type { Guest } from '../guest.ts';
import { ec2Tree, ec2Versions } from './ec2.ts';
import { type Files, openstackAnswer, openstackFiles } from './openstack.ts';
import { type Answers, flatten, type Leaf, text } from './tree.ts';

const isVersion: ReadonlySet<string> = new Set(ec2Versions);
const root = text(ec2Versions.join('\n'));
/** What a path costs beside its body, about. */
const bytesPerAnswer = 200;

export class Site {
  /** About what it takes to keep it. */
  readonly bytes: number;
  readonly #ec2: Answers;
  readonly #openstack: Files;

  constructor(guest: Guest) {
    this.#ec2 = flatten(ec2Tree(guest));
    this.#openstack = openstackFiles(guest);
    const leaves = [...this.#ec2.values(), ...this.#openstack.values()];
    this.bytes = leaves.reduce((sum, { body }) => sum + body.length + bytesPerAnswer, 0);
  }

  /** @param path part by part */
  find(path: readonly string[]): Leaf | undefined {
    const [version, ...rest] = path;
    if (version === undefined) return root;
    if (version === 'openstack') return openstackAnswer(this.#openstack, rest);
    return isVersion.has(version) ? this.#ec2.get(rest.join('/')) : undefined;
  }
}
