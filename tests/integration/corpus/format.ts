// The corpus as data: reads the case files of tests/corpus/. docs/testing.md explains the format; in short, a case is
//
//   == a sentence that names it
//   why what rule it is about
//   on tight                     the endpoint, `reverse` when not given (see lanes.ts)
//   >>                           the client sends; each `| ` line ends with CRLF, unless its last character is a backslash
//   | GET / HTTP/1.1
//   pause 30 | half-close        what the client does between two `>>`
//   <<                           the origin answers a request once it is complete; `<< first` an interim answer when its
//                                head is there, `<< at head` the whole answer then
//   origin closes|ends|resets|waits N
//   saw nothing | saw METHOD TARGET    what may reach the origin, each followed by indented
//                                `host`, `body`, `with`, `without`, `trailer`, `cut`
//   answer STATUS                what the client gets, each followed by indented `body`, `with`, `without`, `trailer`, `cut`, `to HEAD`
//   tunnel up|down "bytes"       what travels once the connection is a tunnel
//   then open|close|reset|waiting
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Ending = 'open' | 'close' | 'reset' | 'waiting';

/** What is expected of one message; an absent detail is not looked at, but a request's body is empty unless said. */
export interface Expected {
  readonly start: string;
  body?: string;
  host?: string;
  to: string;
  cut: boolean;
  readonly with: string[];
  readonly without: string[];
  readonly trailers: string[];
}

export type Step =
  | { readonly kind: 'send'; bytes: string }
  | { readonly kind: 'pause'; readonly ms: number }
  | { readonly kind: 'half-close' };

export interface OriginAnswer {
  readonly when: 'complete' | 'first' | 'head';
  bytes: string;
  wait: number;
  then: 'stay' | 'close' | 'end' | 'reset';
}

export interface Case {
  readonly name: string;
  readonly place: string;
  why: string;
  endpoint: string;
  readonly steps: Step[];
  readonly origin: OriginAnswer[];
  saw: Expected[] | undefined;
  readonly answers: Expected[];
  readonly tunnel: { up?: string; down?: string };
  then: Ending;
}

/** The bytes that the text stands for: \r \n \t \0 \\ \" \xNN and \{text*times}. */
export function unescape(text: string): string {
  return text.replace(/\\(?:x([0-9a-fA-F]{2})|\{(.+?)\*(\d+)\}|(.))/gs, (_, hex?: string, repeated?: string, times?: string, one?: string) => {
    if (hex !== undefined) return String.fromCharCode(parseInt(hex, 16));
    if (repeated !== undefined) return unescape(repeated).repeat(Number(times));
    const known: Record<string, string> = { r: '\r', n: '\n', t: '\t', '0': '\0', '\\': '\\', '"': '"' };
    const found = known[one ?? ''];
    if (found === undefined) throw new Error(`unknown escape \\${one}`);
    return found;
  });
}

const quoted = (text: string): string => {
  const match = /^"(.*)"$/s.exec(text);
  if (match?.[1] === undefined) throw new Error(`not in quotes: ${text}`);
  return unescape(match[1]);
};

class Reader {
  readonly cases: Case[] = [];
  private readonly ended = new Set<Case>();
  private bytes: { bytes: string } | undefined;
  private message: Expected | undefined;

  constructor(private readonly file: string) {}

  private get now(): Case {
    const last = this.cases.at(-1);
    if (last === undefined) throw new Error('a line before the first case');
    return last;
  }

  private begin(name: string, line: number): void {
    this.cases.push({ name, place: `${this.file}:${line}`, why: '', endpoint: 'reverse', steps: [], origin: [], saw: undefined, answers: [], tunnel: {}, then: 'open' });
    this.bytes = undefined;
    this.message = undefined;
  }

  private data(text: string): void {
    if (this.bytes === undefined) throw new Error('bytes that nobody sends');
    const open = /(^|[^\\])(\\\\)*\\$/.test(text);
    this.bytes.bytes += open ? unescape(text.slice(0, -1)) : `${unescape(text)}\r\n`;
  }

  private expect(start: string): Expected {
    this.message = { start, to: 'GET', cut: false, with: [], without: [], trailers: [] };
    return this.message;
  }

  private detail(word: string, rest: string): void {
    if (this.message === undefined) throw new Error('a detail of nothing');
    switch (word) {
      case 'host': this.message.host = rest; break;
      case 'body': this.message.body = quoted(rest); break;
      case 'with': this.message.with.push(unescape(rest)); break;
      case 'without': this.message.without.push(rest); break;
      case 'trailer': this.message.trailers.push(unescape(rest)); break;
      case 'cut': this.message.cut = true; break;
      case 'to': this.message.to = rest; break;
      default: throw new Error(`unknown detail: ${word}`);
    }
  }

  private send(): void {
    const step = { kind: 'send' as const, bytes: '' };
    this.now.steps.push(step);
    this.bytes = step;
  }

  private originAnswers(how: string): void {
    const when = ({ '': 'complete', first: 'first', 'at head': 'head' } as const)[how];
    if (when === undefined) throw new Error(`unknown time of an answer: ${how}`);
    const answer: OriginAnswer = { when, bytes: '', wait: 0, then: 'stay' };
    this.now.origin.push(answer);
    this.bytes = answer;
  }

  private originDoes(what: string): void {
    const answer = this.now.origin.at(-1);
    if (answer === undefined) throw new Error('the origin has no answer yet');
    const wait = /^waits (\d+)$/.exec(what);
    if (wait?.[1] !== undefined) answer.wait = Number(wait[1]);
    else {
      const then = ({ closes: 'close', ends: 'end', resets: 'reset' } as const)[what];
      if (then === undefined) throw new Error(`the origin cannot do this: ${what}`);
      answer.then = then;
    }
  }

  private saw(what: string): void {
    this.now.saw ??= [];
    if (what !== 'nothing') this.now.saw.push(this.expect(unescape(what)));
  }

  private tunnel(rest: string): void {
    const match = /^(up|down) (".*")$/s.exec(rest);
    if (match?.[1] === undefined || match[2] === undefined) throw new Error('a tunnel goes up or down');
    this.now.tunnel[match[1] as 'up' | 'down'] = quoted(match[2]);
  }

  private end(how: string): void {
    if (!['open', 'close', 'reset', 'waiting'].includes(how)) throw new Error(`unknown end: ${how}`);
    this.now.then = how as Ending;
    this.ended.add(this.now);
  }

  line(text: string, number: number): void {
    if (text.startsWith('== ')) return this.begin(text.slice(3), number);
    if (text.startsWith('|')) return this.data(text.slice(text.startsWith('| ') ? 2 : 1));
    if (text === '' || text.startsWith('#')) return;
    const [, indent = '', word = '', rest = ''] = /^( *)(\S+) ?(.*)$/s.exec(text) ?? [];
    if (indent !== '') return this.detail(word, rest);
    switch (word) {
      case 'why': this.now.why = `${this.now.why} ${rest}`.trim(); return;
      case 'on': this.now.endpoint = rest; return;
      case '>>': return this.send();
      case '<<': return this.originAnswers(rest);
      case 'pause': this.now.steps.push({ kind: 'pause', ms: Number(rest) }); return;
      case 'half-close': this.now.steps.push({ kind: 'half-close' }); return;
      case 'origin': return this.originDoes(rest);
      case 'saw': return this.saw(rest);
      case 'answer': this.now.answers.push(this.expect(rest)); return;
      case 'tunnel': return this.tunnel(rest);
      case 'then': return this.end(rest);
      default: throw new Error(`unknown word: ${word}`);
    }
  }

  /** Refusals close unless the case says otherwise. */
  finish(): void {
    for (const one of this.cases) {
      if (one.steps.length === 0) throw new Error(`${one.place}: nobody sends anything`);
      if (!this.ended.has(one) && Number(one.answers.at(-1)?.start ?? '0') >= 400) one.then = 'close';
    }
  }
}

export function parseCases(file: string, text: string): Case[] {
  const reader = new Reader(file);
  text.split('\n').forEach((line, i) => {
    try {
      reader.line(line, i + 1);
    } catch (error) {
      throw new Error(`${file}:${i + 1}: ${(error as Error).message}`, { cause: error });
    }
  });
  reader.finish();
  return reader.cases;
}

export function loadCorpus(folder: string): Case[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.cases')).sort();
  const cases = files.flatMap((name) => parseCases(name, readFileSync(join(folder, name), 'utf8')));
  const names = new Set<string>();
  for (const one of cases) {
    if (names.has(one.name)) throw new Error(`${one.place}: a second case "${one.name}"`);
    names.add(one.name);
  }
  return cases;
}
