/** The API on the network, kept there: while it cannot listen, as when its port is taken, an alarm says so and it tries again. All else goes on. */
import { toWeftError } from '../../contract/system/index.ts';

const retryMs = 5_000;

/** What listens. */
interface Listening {
  close(): unknown;
  closeAllConnections(): void;
}

export interface NetworkListenerOptions {
  readonly listen: () => Promise<Listening>;
  /** Raises (text) or clears (null) the alarm about it; never rejects. */
  readonly alarm: (text: string | null) => Promise<void>;
  readonly retryMs?: number;
}

export class NetworkListener {
  readonly #options: NetworkListenerOptions;
  #listening: Listening | null = null;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: NetworkListenerOptions) {
    this.#options = options;
  }

  /** Resolves after the first try, however it went. */
  async open(): Promise<void> {
    try {
      this.#listening = await this.#options.listen();
      if (this.#closed) return this.close();
      await this.#options.alarm(null);
    } catch (thrown) {
      if (this.#closed) return;
      const { message, fix } = toWeftError(thrown);
      await this.#options.alarm(fix === undefined ? message : `${message}: ${fix}`);
      this.#timer = setTimeout(() => void this.open(), this.#options.retryMs ?? retryMs);
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#listening?.close();
    this.#listening?.closeAllConnections();
  }
}
