/** The part of dns-packet that the tests use as an oracle; it ships no types. */
declare module 'dns-packet' {
  export interface Entry {
    readonly name: string;
    readonly type: string;
    readonly ttl?: number;
    readonly class?: string;
    readonly data?: unknown;
  }
  export interface Packet {
    readonly type: 'query' | 'response';
    readonly id: number;
    readonly flags: number;
    readonly questions?: readonly Entry[];
    readonly answers?: readonly Entry[];
    readonly authorities?: readonly Entry[];
    readonly additionals?: readonly Entry[];
  }
  const packet: {
    encode(packet: Packet): Buffer;
    decode(bytes: Buffer): Packet;
    readonly RECURSION_DESIRED: number;
    readonly AUTHORITATIVE_ANSWER: number;
  };
  export default packet;
}
