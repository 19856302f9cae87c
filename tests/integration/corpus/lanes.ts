// Plays cases on several lanes at once. A lane is an origin of its own and, in front of it, one endpoint of each kind:
//   reverse   the defaults
//   tight     small limits
//   hurried   short times
//   forward   a forward proxy; CONNECT to any port; the case writes {origin} for the address of the lane's origin
import { fileURLToPath } from 'node:url';
import type { JsonObject } from '../kit/index.js';
import { play, type Outcome } from './client.js';
import type { Case } from './format.js';
import { LaneOrigin } from './origin.js';

/** Where the case files are; tests/run says it when the suite runs from a copy. */
export const corpusFolder = process.env['SLUICE_CORPUS'] ?? fileURLToPath(new URL('../../../corpus', import.meta.url));

export const tight: JsonObject = {
  request_line_limit: '512B', head_limit: '2KiB', field_limit: 20, body_limit: '1KiB', chunk_extension_limit: '64B', trailer_limit: '128B',
};
export const hurried: JsonObject = { head_timeout: '300ms', body_timeout: '300ms', keepalive_timeout: '300ms', write_timeout: '300ms' };

const via = 'sluice';
const versions = ['http/1.1'];  // bytes of HTTP/2 are here to be refused; tests/unit/proto/http2 has cases of its own

/** A tenant for the lanes' origins: endpoints are called reverse-0, tight-0 and so on. */
export function tenant(origins: readonly LaneOrigin[]): JsonObject {
  return {
    name: 'main',
    workers: 1,
    egress: { allow_private: true },
    upstreams: origins.map((o, i) => ({ name: `origin-${i}`, servers: [`127.0.0.1:${o.port}`], first_byte_timeout: '1s', idle_timeout: '1s' })),
    endpoints: origins.flatMap((_, i) => {
      const reverse = { listen: ['127.0.0.1:0'], mode: 'reverse', routes: [{ upstream: `origin-${i}` }] };
      return [
        { name: `reverse-${i}`, ...reverse, http: { via, versions } },
        { name: `tight-${i}`, ...reverse, http: { via, versions, ...tight } },
        { name: `hurried-${i}`, ...reverse, http: { via, versions, ...hurried } },
        { name: `forward-${i}`, listen: ['127.0.0.1:0'], mode: 'forward', connect: { ports: [] }, http: { via, versions } },
      ];
    }),
  };
}

export interface Played {
  readonly one: Case;
  readonly outcome: Outcome;
}

const fill = (one: Case, origin: LaneOrigin): Case => ({
  ...one,
  steps: one.steps.map((step) => (step.kind === 'send' ? { ...step, bytes: step.bytes.replaceAll('{origin}', `127.0.0.1:${origin.port}`) } : step)),
  saw: one.saw?.map((e) => (e.host === undefined ? e : { ...e, host: e.host.replaceAll('{origin}', `127.0.0.1:${origin.port}`) })),
});

export interface Manner {
  readonly quiet: number;
  readonly patience: number | undefined;
}

/** Plays all cases, each lane one after the other; `port` says where an endpoint of a lane is. */
export async function playAll(cases: readonly Case[], origins: readonly LaneOrigin[], port: (endpoint: string, lane: number) => number,
  manner: Manner): Promise<Played[]> {
  const queue = [...cases];
  const played = new Map<Case, Played>();
  await Promise.all(origins.map(async (origin, lane) => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const one = fill(next, origin);
      const outcome = await play(one, { port: port(next.endpoint, lane), origin, ...manner });
      played.set(next, { one, outcome });
    }
  }));
  return cases.map((one) => played.get(one) as Played);
}

export const startOrigins = (count: number): Promise<LaneOrigin[]> => Promise.all(Array.from({ length: count }, () => LaneOrigin.start()));
