/** UDP sessions: each socket of a VM has a socket of its own towards one upstream, so that answers find back. */
import { createSocket, type Socket } from 'node:dgram';
import type { DatagramAsker } from '@weft/kernel/sdk';
import { type Endpoint, nameOf, type Upstreams } from './upstreams.ts';

type Reply = (data: Buffer) => void;

interface Session {
  readonly name: string;
  /** That asks. */
  readonly port: number;
  readonly endpoint: Endpoint;
  readonly socket: Socket;
  reply: Reply;
  timer: NodeJS.Timeout;
  /** Since the upstream last answered: how many, and since when. */
  unanswered: number;
  waitsSince: number;
  /** What came before the socket was connected; null once it is. */
  early: Buffer[] | null;
}

export interface UdpOptions {
  readonly idleMs: number;
  readonly upstreams: Upstreams;
  /** A place for a session of the port; false: there is none. */
  readonly begin: (port: number) => boolean;
  readonly end: (port: number) => void;
  /** An upstream failed or answers again. */
  readonly onHealth: () => void;
}

/** So many datagrams in a row without an answer, for so long, of an upstream that is known to answer: it failed. */
const patience = 3;
const patienceMs = 1_000;
const mostEarly = 16;
const mostRemembered = 1_000;

/** The sessions of one service. */
export class UdpRelay {
  readonly #options: UdpOptions;
  readonly #sessions = new Map<string, Session>();
  /** When an upstream last answered anybody. Not all protocols do: one that never has is not waited for. */
  readonly #answers = new Map<string, number>();

  constructor(options: UdpOptions) {
    this.#options = options;
  }

  /** Sends a datagram of a session that there is; false: there is none. */
  goOn(data: Buffer, asker: DatagramAsker, reply: Reply): boolean {
    const session = this.#sessions.get(sessionName(asker));
    if (session === undefined) return false;
    this.#send(session, data, reply);
    return true;
  }

  /** Begins a session with its first datagram. False: there is no place for one more, and the datagram is dropped. */
  begin(data: Buffer, asker: DatagramAsker, reply: Reply, endpoints: readonly Endpoint[]): boolean {
    const [endpoint] = this.#options.upstreams.order(endpoints);
    if (endpoint === undefined || !this.#options.begin(asker.port)) return false;
    this.#send(this.#open(sessionName(asker), asker.port, endpoint, reply), data, reply);
    return true;
  }

  close(): void {
    for (const session of this.#sessions.values()) this.#close(session);
  }

  #open(name: string, port: number, endpoint: Endpoint, reply: Reply): Session {
    const socket = createSocket(endpoint.address.includes(':') ? 'udp6' : 'udp4');
    const timer = setTimeout(() => this.#close(session), this.#options.idleMs);
    const session: Session = { name, port, endpoint, socket, reply, timer, unanswered: 0, waitsSince: 0, early: [] };
    this.#sessions.set(name, session);
    socket.on('message', (answer) => this.#answered(session, answer));
    socket.on('error', (error) => this.#fail(session, error.message));
    // Connected, the system drops datagrams from anybody else, and tells of a closed port.
    socket.connect(endpoint.port, endpoint.address, (error?: Error) => this.#connected(session, error));
    return session;
  }

  /** The types of Node do not say so: no way there is told here, and not as an event. */
  #connected(session: Session, error: Error | undefined): void {
    if (this.#sessions.get(session.name) !== session) return;
    if (error) {
      this.#fail(session, error.message);
      return;
    }
    for (const data of session.early ?? []) session.socket.send(data);
    session.early = null;
  }

  #send(session: Session, data: Buffer, reply: Reply): void {
    const now = performance.now();
    session.reply = reply;
    session.timer.refresh();
    if (session.unanswered === 0) session.waitsSince = now;
    session.unanswered += 1;
    if (session.early === null) session.socket.send(data);
    else if (session.early.length < mostEarly) session.early.push(data);
    if (session.unanswered > patience && this.#isSilent(session, now)) this.#fail(session, 'it does not answer');
  }

  /** To nobody: what one VM sends may deserve no answer, and says nothing of the upstream then. */
  #isSilent({ endpoint, waitsSince }: Session, now: number): boolean {
    const answered = this.#answers.get(nameOf(endpoint));
    return answered !== undefined && now - Math.max(answered, waitsSince) > patienceMs;
  }

  #answered(session: Session, answer: Buffer): void {
    session.unanswered = 0;
    session.timer.refresh();
    if (this.#answers.size >= mostRemembered) this.#answers.clear();
    this.#answers.set(nameOf(session.endpoint), performance.now());
    if (this.#options.upstreams.answered(session.endpoint)) this.#options.onHealth();
    session.reply(answer);
  }

  #fail(session: Session, why: string): void {
    if (this.#sessions.get(session.name) !== session) return;
    this.#options.upstreams.failed(session.endpoint, `${nameOf(session.endpoint)}: ${why}`);
    this.#close(session);
    this.#options.onHealth();
  }

  #close(session: Session): void {
    if (this.#sessions.get(session.name) !== session) return;
    this.#sessions.delete(session.name);
    clearTimeout(session.timer);
    session.socket.close();
    this.#options.end(session.port);
  }
}

const sessionName = ({ port, generation, peer }: DatagramAsker): string => `${port} ${generation} ${peer}`;
