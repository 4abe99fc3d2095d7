/** What the benchmark uses of autocannon, which ships no types. */
declare module 'autocannon' {
  interface Request {
    readonly method: string;
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
    readonly setupRequest?: (request: Request) => Request;
  }
  interface Options {
    readonly url: string;
    readonly socketPath: string;
    /** Seconds. */
    readonly duration: number;
    readonly connections: number;
    readonly requests: readonly Request[];
  }
  interface Result {
    readonly requests: { readonly average: number };
    /** Milliseconds. */
    readonly latency: { readonly p50: number; readonly p99: number };
    readonly non2xx: number;
    readonly errors: number;
  }

  export type { Options, Request, Result };
  export default function autocannon(options: Options): Promise<Result>;
}
