// Where nginx and HAProxy do otherwise than Sluice with the same bytes, and why: tests/corpus/differences.txt holds every
// difference below the reason for it.
//
//   ## nginx: takes a bare LF for the end of a line
//   Any text.
//   - name of the case => what it does instead || what it does at other times
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { summary } from './judge.js';
import { playAll, startOrigins, type Played } from './lanes.js';
import { Peer, type PeerName } from './peers.js';
import type { Case } from './format.js';

export interface Difference {
  readonly peer: PeerName;
  readonly name: string;
  readonly sluice: string;
  readonly does: string;
}

const key = (peer: string, name: string): string => `${peer}: ${name}`;

/** Reasons by peer and case. */
export type Reasons = ReadonlyMap<string, { readonly reason: string; readonly does: readonly string[] }>;

export function loadReasons(folder: string): Reasons {
  const reasons = new Map<string, { reason: string; does: string[] }>();
  let peer = '';
  let reason = '';
  readFileSync(join(folder, 'differences.txt'), 'utf8').split('\n').forEach((line, i) => {
    const title = /^## (nginx|haproxy): (.*)$/.exec(line);
    if (title !== null) [, peer = '', reason = ''] = title;
    const entry = /^- (.*?) => (.*)$/.exec(line);
    if (entry?.[1] === undefined) return;
    if (reasons.has(key(peer, entry[1]))) throw new Error(`differences.txt:${i + 1}: explained twice`);
    reasons.set(key(peer, entry[1]), { reason, does: (entry[2] ?? '').split(' || ') });
  });
  return reasons;
}

/** Cases in which something must first take its time: a peer that misreads an answer waits for the rest of it. */
const slow = (one: Case): boolean => one.endpoint === 'hurried' || one.origin.length > 0;

/** Plays the cases against a peer: it may do anything, so it gets time after every byte. */
async function playPeer(peer: PeerName, cases: readonly Case[], lanes: number): Promise<Played[]> {
  const origins = await startOrigins(lanes);
  const running = await Peer.start(peer, origins);
  try {
    const quick = await playAll(cases.filter((c) => !slow(c)), origins.slice(0, 16), running.port, { quiet: 150, patience: undefined });
    const rest = await playAll(cases.filter(slow), origins, running.port, { quiet: 1400, patience: undefined });
    return [...quick, ...rest];
  } finally {
    await running.stop();
    origins.forEach((o) => o.close());
  }
}

export const comparable = (cases: readonly Case[]): Case[] => cases.filter((c) => c.endpoint !== 'forward');

function compare(peer: PeerName, sluice: readonly Played[], others: readonly Played[]): Difference[] {
  const found: Difference[] = [];
  for (const { one, outcome } of sluice) {
    const other = others.find((o) => o.one.name === one.name);
    if (other === undefined) continue;
    const [ours, theirs] = [summary(outcome), summary(other.outcome)];
    if (ours !== theirs) found.push({ peer, name: one.name, sluice: ours, does: theirs });
  }
  return found;
}

export interface Verdict {
  readonly differences: readonly Difference[];
  readonly unexplained: readonly Difference[];
  /** Explanations of what no longer happens; not of what happens at times only. */
  readonly stale: readonly string[];
}

/** Plays all cases; those that end without a reason twice, so that a busy machine makes no difference. */
export async function examine(peer: PeerName, ours: readonly Played[], reasons: Reasons): Promise<Verdict> {
  const odd = (found: readonly Difference[]): Difference[] => found.filter((d) => reasons.get(key(d.peer, d.name))?.does.includes(d.does) !== true);
  const cases = ours.map((p) => p.one);
  const differences = compare(peer, ours, await playPeer(peer, cases, 40));
  const again = new Set(odd(differences).map((d) => d.name));
  const unexplained = again.size === 0 ? [] : odd(compare(peer, ours, await playPeer(peer, cases.filter((c) => again.has(c.name)), 16)));
  const known = new Set(differences.map((d) => key(d.peer, d.name)));
  const stale = [...reasons].filter(([k, { does }]) => k.startsWith(`${peer}: `) && !known.has(k) && does.length === 1).map(([k]) => k);
  return { differences, unexplained, stale };
}
