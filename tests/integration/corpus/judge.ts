// Compares what happened with what a case expects, and puts an outcome into one line.
import type { Outcome } from './client.js';
import type { Case, Expected } from './format.js';
import { ambiguities, statusOf, value, type Message } from './wire.js';

const show = (bytes: string): string => (bytes.length > 200 ? `${JSON.stringify(bytes.slice(0, 200))}… (${bytes.length} bytes)` : JSON.stringify(bytes));

function judgeDetails(what: string, message: Message, expected: Expected): string[] {
  const wrong: string[] = [];
  if (expected.body !== undefined && message.body !== expected.body) wrong.push(`${what}: the body is ${show(message.body)}`);
  if (expected.cut === message.complete) wrong.push(`${what}: it is ${message.complete ? 'complete' : 'cut short'}`);
  for (const line of expected.with) {
    const colon = line.indexOf(':');
    const found = value(message, line.slice(0, colon));
    if (found !== line.slice(colon + 1).trim()) wrong.push(`${what}: ${line.slice(0, colon)} is ${found === undefined ? 'missing' : show(found)}, not ${line.slice(colon + 1)}`);
  }
  for (const name of expected.without) if (value(message, name) !== undefined) wrong.push(`${what}: there is ${name}: ${value(message, name)}`);
  if (message.trailers.join('\n') !== expected.trailers.join('\n')) wrong.push(`${what}: the trailers are ${show(message.trailers.join('\n'))}`);
  return wrong;
}

const target = (message: Message): string => message.start.split(' ').slice(0, -1).join(' ');

function judgeOrigin(one: Case, outcome: Outcome): string[] {
  const { requests, early, fragments, tunnel } = outcome.witness;
  const wrong: string[] = [];
  for (const { head } of requests) for (const bad of ambiguities(head)) wrong.push(`the origin could misread ${bad}`);
  if (early !== '') wrong.push(`the origin got ${show(early)} before it had answered`);
  if (fragments.length > 0) wrong.push(`the origin got a piece of a head: ${show(fragments.join(''))}`);
  if (tunnel !== (one.tunnel.up ?? '')) wrong.push(`through the tunnel came ${show(tunnel)}`);
  if (one.saw === undefined) return wrong;
  const starts = requests.map((r) => target(r.message));
  if (starts.join('; ') !== one.saw.map((e) => e.start).join('; ')) return [...wrong, `the origin saw ${starts.join('; ') || 'nothing'}`];
  one.saw.forEach((expected, i) => {
    const message = requests[i]?.message;
    if (message === undefined) return;
    const what = `request ${i + 1}`;
    wrong.push(...judgeDetails(what, message, { ...expected, body: expected.body ?? (expected.cut ? message.body : '') }));
    if (expected.host !== undefined && value(message, 'host') !== expected.host) wrong.push(`${what}: Host is ${value(message, 'host')}`);
  });
  return wrong;
}

/** What is not as expected; empty when all is well. */
export function judge(one: Case, outcome: Outcome): string[] {
  const wrong = judgeOrigin(one, outcome);
  const statuses = outcome.answers.map((a) => String(statusOf(a)));
  if (statuses.join(' ') !== one.answers.map((e) => e.start).join(' ')) {
    wrong.push(`the client was answered ${statuses.join(' ') || 'nothing'}`);
  } else {
    one.answers.forEach((expected, i) => wrong.push(...judgeDetails(`answer ${i + 1}`, outcome.answers[i] as Message, expected)));
  }
  if (one.tunnel.down !== undefined ? outcome.rest !== one.tunnel.down : outcome.rest !== '') wrong.push(`behind the answers came ${show(outcome.rest)}`);
  if (outcome.then !== one.then) wrong.push(`the end is ${outcome.then}, not ${one.then}`);
  return wrong;
}

const printable = (text: string): string => text.replace(/[^\x21-\x7e ]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`);

function seen(message: Message): string {
  const host = value(message, 'host');
  const { body } = message;
  // how much of a body that is cut has come is a matter of time
  const size = body === '' || (body.length > 24 && !message.complete) ? '' : ` ${body.length > 24 ? `(${body.length} bytes)` : JSON.stringify(body)}`;
  return printable(`${target(message).slice(0, 60)}${host === 'a' ? '' : ` at ${host ?? 'no host'}`}${size}${message.complete ? '' : ' cut'}`);
}

/** The outcome in one line: what reached the origin, what the client got, how it ended. */
export function summary(outcome: Outcome): string {
  const { requests, early, tunnel } = outcome.witness;
  const parts = requests.map((r) => seen(r.message));
  if (early !== '') parts.push(`early ${show(early).slice(0, 40)}`);
  if (tunnel !== '') parts.push(`tunnel ${show(tunnel).slice(0, 40)}`);
  const answers = outcome.answers.map((a) => `${statusOf(a)}${a.complete ? '' : ' cut'}`);
  return `${parts.join(', ') || 'nothing'} -> ${answers.join(' ') || 'none'}, ${outcome.then}`;
}
