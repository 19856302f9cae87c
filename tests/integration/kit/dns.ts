// A DNS server on loopback, UDP and TCP on one port, that says what a test tells it to: the truth, late, cut short, or a lie.
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export type RecordType = 'A' | 'AAAA' | 'CNAME';
const numbers: Readonly<Record<RecordType, number>> = { A: 1, CNAME: 5, AAAA: 28 };

export interface Question {
  readonly id: number;
  /** Lower case. */
  readonly name: string;
  /** `A`, `AAAA`, or the number of another type. */
  readonly type: string;
  readonly transport: 'udp' | 'tcp';
}

export interface DnsRecord {
  readonly type: RecordType;
  /** An address, or the name that a CNAME leads to. */
  readonly value: string;
  /** Default: the name that was asked for. */
  readonly owner?: string;
  /** Seconds; default 60. */
  readonly ttl?: number;
}

export interface Reply {
  readonly records?: readonly DnsRecord[];
  /** 0 no error, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED. */
  readonly code?: number;
  /** How long a negative answer may be remembered: an SOA in the authority section (RFC 2308). */
  readonly negativeTtl?: number;
  /** TC: the rest is to be fetched over TCP. */
  readonly truncated?: boolean;
  /** Milliseconds before it is sent. */
  readonly delay?: number;
  /** Another question than the one that was asked is echoed. */
  readonly question?: Partial<Pick<Question, 'id' | 'name' | 'type'>>;
  /** Sent before the reply proper: forgeries, noise. */
  readonly before?: readonly (Buffer | Reply)[];
}

/** What to say; `silent` says nothing. */
export type DnsScript = (question: Question) => Reply | Buffer | 'silent';

/** A script that answers names from a table of addresses, and every other name with NXDOMAIN. */
export function zone(names: Readonly<Record<string, readonly string[]>>, ttl = 60): (question: Question) => Reply {
  return (question) => {
    const addresses = names[question.name];
    if (addresses === undefined) return { code: 3 };
    const wanted = addresses.filter((a) => a.includes(':') === (question.type === 'AAAA'));
    if (question.type !== 'A' && question.type !== 'AAAA') return {};
    const type = question.type;
    return { records: wanted.map((value) => ({ type, value, ttl })) };
  };
}

const u16 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, i) => bytes.writeUInt16BE(value & 0xffff, i * 2));
  return bytes;
};
const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
};
const nameBytes = (name: string): Buffer =>
  Buffer.concat([...name.split('.').filter((label) => label !== '').map((label) => Buffer.from(String.fromCharCode(label.length) + label, 'latin1')),
    Buffer.from([0])]);

function addressBytes(text: string): Buffer {
  if (!text.includes(':')) return Buffer.from(text.split('.').map(Number));
  const [head = '', tail] = text.split('::');
  const groups = (part: string): number[] => part.split(':').filter((g) => g !== '').map((g) => parseInt(g, 16));
  const front = groups(head);
  const back = groups(tail ?? '');
  return u16(...front, ...new Array<number>(8 - front.length - back.length).fill(0), ...back);
}

function typeNumber(type: string): number {
  return numbers[type as RecordType] ?? Number(type);
}

/** The bytes of a reply to a question. */
export function encode(question: Question, reply: Reply): Buffer {
  const echoed = { ...question, ...reply.question };
  const records = reply.records ?? [];
  const flags = 0x8180 | (reply.truncated === true ? 0x0200 : 0) | (reply.code ?? 0);
  const parts = [u16(echoed.id, flags, 1, records.length, reply.negativeTtl === undefined ? 0 : 1, 0), nameBytes(echoed.name), u16(typeNumber(echoed.type), 1)];
  for (const record of records) {
    const data = record.type === 'CNAME' ? nameBytes(record.value) : addressBytes(record.value);
    parts.push(nameBytes(record.owner ?? echoed.name), u16(numbers[record.type], 1), u32(record.ttl ?? 60), u16(data.length), data);
  }
  if (reply.negativeTtl !== undefined) {
    const data = Buffer.concat([nameBytes('ns.example'), nameBytes('admin.example'), u32(1), u32(3600), u32(600), u32(86400), u32(reply.negativeTtl)]);
    parts.push(nameBytes('example'), u16(6, 1), u32(reply.negativeTtl), u16(data.length), data);
  }
  return Buffer.concat(parts);
}

function decode(message: Buffer, transport: Question['transport']): Question {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] ?? 0; length !== 0; length = message[at] ?? 0) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  const type = message.readUInt16BE(at + 1);
  const named = Object.entries(numbers).find(([, number]) => number === type)?.[0];
  return { id: message.readUInt16BE(0), name: labels.join('.').toLowerCase(), type: named ?? String(type), transport };
}

export class DnsServer {
  /** Every question, in the order of arrival. */
  readonly seen: Question[] = [];
  private readonly timers = new Set<NodeJS.Timeout>();
  private readonly sockets = new Set<Socket>();

  private constructor(private readonly udp: UdpSocket, private readonly tcp: Server, private readonly script: DnsScript) {
    udp.on('message', (message, from) => {
      this.answer(decode(message, 'udp'), (bytes) => udp.send(bytes, from.port, from.address));
    });
    tcp.on('connection', (socket) => this.serve(socket));
  }

  static async start(script: DnsScript): Promise<DnsServer> {
    for (;;) {
      const tcp = createServer();
      await new Promise<void>((done, fail) => {
        tcp.once('error', fail);
        tcp.listen(0, '127.0.0.1', done);
      });
      const udp = createSocket('udp4');
      const bound = await new Promise<boolean>((done) => {
        udp.once('error', () => done(false));
        udp.bind((tcp.address() as AddressInfo).port, '127.0.0.1', () => done(true));
      });
      if (bound) return new DnsServer(udp, tcp, script);
      udp.close();
      tcp.close();
    }
  }

  /** For `resolver.servers`. */
  get address(): string {
    return `127.0.0.1:${(this.tcp.address() as AddressInfo).port}`;
  }

  /** Questions about a name, of one type or any. */
  asked(name: string, type?: string): Question[] {
    return this.seen.filter((q) => q.name === name && (type === undefined || q.type === type));
  }

  private answer(question: Question, send: (bytes: Buffer) => void): void {
    this.seen.push(question);
    const reply = this.script(question);
    if (reply === 'silent') return;
    const messages = reply instanceof Buffer ? [reply] : [
      ...(reply.before ?? []).map((b) => (b instanceof Buffer ? b : encode(question, b))), encode(question, reply)];
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      messages.forEach(send);
    }, reply instanceof Buffer ? 0 : reply.delay ?? 0);
    this.timers.add(timer);
  }

  private serve(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('close', () => this.sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let pending = Buffer.alloc(0);
    socket.on('data', (bytes) => {
      pending = Buffer.concat([pending, bytes]);
      while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
        const size = pending.readUInt16BE(0);
        const question = decode(pending.subarray(2, 2 + size), 'tcp');
        pending = pending.subarray(2 + size);
        this.answer(question, (message) => void (socket.destroyed || socket.write(Buffer.concat([u16(message.length), message]))));
      }
    });
  }

  async close(): Promise<void> {
    for (const timer of this.timers) clearTimeout(timer);
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((done) => { this.udp.close(done); });
    await new Promise<void>((done) => { this.tcp.close(() => done()); });
  }
}
