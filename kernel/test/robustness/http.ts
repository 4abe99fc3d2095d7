/** The API as a client sees it that may lose it at any moment. */
import { Agent, type IncomingMessage, request } from 'node:http';

/** What became of a request. `lost`: nobody knows whether it took effect; `unsent`: it did not, there was no kernel. */
export type Answer =
  | { readonly is: 'answered'; readonly status: number; readonly body: unknown }
  | { readonly is: 'lost' }
  | { readonly is: 'unsent' };

export interface Ask {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A kernel that takes longer hangs. */
const longestMs = 30_000;

export class Http {
  readonly #socketPath: string;
  readonly #headers: Readonly<Record<string, string>>;
  readonly #agent = new Agent({ keepAlive: true });

  constructor(socketPath: string, token?: string) {
    this.#socketPath = socketPath;
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  /** @throws when the kernel hangs */
  ask({ method, path, body, headers }: Ask): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const content = body === undefined ? {} : { 'content-type': 'application/json' };
      const asked = request({
        socketPath: this.#socketPath,
        agent: this.#agent,
        method,
        path,
        headers: { ...this.#headers, ...content, ...headers },
      });
      asked.on('response', (response) => {
        read(response).then(
          (text) => resolve({ is: 'answered', status: response.statusCode ?? 0, body: text === '' ? undefined : JSON.parse(text) }),
          () => resolve({ is: 'lost' }),
        );
      });
      asked.on('error', (error: NodeJS.ErrnoException) => resolve({ is: neverConnected(error) ? 'unsent' : 'lost' }));
      asked.setTimeout(longestMs, () => reject(new Error(`the kernel hangs: ${method} ${path} has no answer after ${longestMs / 1000} s`)));
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  /** The body of a good answer. @throws for any other */
  async must<T>(ask: Ask): Promise<T> {
    const answer = await this.ask(ask);
    if (answer.is !== 'answered' || answer.status >= 300) throw new Error(`${ask.method} ${ask.path}: ${JSON.stringify(answer)}`);
    return answer.body as T;
  }

  /** An endless answer, chunk by chunk, until it ends or breaks or `signal` aborts. */
  async *stream(path: string, signal: AbortSignal): AsyncGenerator<string> {
    const asked = request({ socketPath: this.#socketPath, path, headers: this.#headers, signal });
    const response = await new Promise<IncomingMessage | null>((resolve) => {
      asked.on('response', resolve);
      asked.on('error', () => resolve(null));
      asked.end();
    });
    if (response === null) return;
    response.setEncoding('utf8');
    try {
      for await (const chunk of response) yield chunk as string;
    } catch {
      // a broken connection ends it, too
    }
  }

  close(): void {
    this.#agent.destroy();
  }
}

function neverConnected({ code, syscall }: NodeJS.ErrnoException): boolean {
  return syscall === 'connect' && (code === 'ECONNREFUSED' || code === 'ENOENT');
}

async function read(response: IncomingMessage): Promise<string> {
  const chunks = await response.toArray();
  if (!response.complete) throw new Error('the answer was cut off');
  return Buffer.concat(chunks as Buffer[]).toString();
}
