/** Bearer tokens: issued once, kept only as a hash, bound to the uid of their Token object. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { fail } from '../../contract/system/index.ts';
import { type Pipeline, systemSubject, tokenSetting } from '../apply/index.ts';
import { tokenKind } from '../registry/index.ts';
import type { ObjectStore } from '../store/index.ts';

interface Kept {
  /** SHA-256 of the secret part, hexadecimal. 256 random bits need no slower hash. */
  readonly hash: string;
}

const secretBytes = 32;
const form = /^weft_([a-z0-9.-]{1,63})_([A-Za-z0-9_-]{43})$/;

export class Tokens {
  readonly #store: ObjectStore;
  readonly #pipeline: Pipeline;
  readonly #now: () => Date;

  constructor(store: ObjectStore, pipeline: Pipeline, now: () => Date = () => new Date()) {
    this.#store = store;
    this.#pipeline = pipeline;
    this.#now = now;
  }

  /** A new token for Token/NAME; the one before it is worth nothing any more. @throws NOT_FOUND */
  async issue(name: string): Promise<string> {
    const object = this.#store.get({ kind: tokenKind.kind, name });
    if (object === undefined) throw fail('NOT_FOUND', `Token/${name.slice(0, 80)} does not exist`, 'create it first: kind Token');
    const secret = randomBytes(secretBytes).toString('base64url');
    const kept: Kept = { hash: digest(secret).toString('hex') };
    await this.#store.saveSetting(tokenSetting(object.metadata.uid), kept);
    const key = { kind: tokenKind.kind, name };
    await this.#pipeline.setStatus([{ key, status: { issuedAt: this.#now().toISOString() } }], systemSubject);
    return `weft_${name}_${secret}`;
  }

  /** The name of the Token that was presented. @throws UNAUTHENTICATED */
  verify(presented: string): string {
    const [, name = '', secret = ''] = form.exec(presented) ?? [];
    const object = name === '' ? undefined : this.#store.get({ kind: tokenKind.kind, name });
    const kept = object === undefined ? undefined : this.#store.setting<Kept>(tokenSetting(object.metadata.uid));
    // compared even when there is nothing to compare with, so that the time tells nothing
    const matches = timingSafeEqual(digest(secret), Buffer.from(kept?.hash ?? digest('').toString('hex'), 'hex'));
    if (object === undefined || kept === undefined || !matches) {
      throw fail('UNAUTHENTICATED', 'the token is not valid', 'present one that weft token issue has printed');
    }
    const { expires } = object.spec;
    // a time that cannot be read is over
    if (typeof expires === 'string' && !(Date.parse(expires) > this.#now().getTime())) {
      throw fail('UNAUTHENTICATED', `the token ${name} has expired`, `set a later spec.expires of Token/${name}`);
    }
    return name;
  }
}

function digest(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
