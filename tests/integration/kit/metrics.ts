// Prometheus text format (version 0.0.4): enough to ask for a sum and to see that nothing is malformed.

export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

function parseLabels(text: string): Record<string, string> {
  const labels: Record<string, string> = {};
  let rest = text;
  while (rest !== '') {
    const match = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"(?:,|$)/.exec(rest);
    if (match?.[1] === undefined || match[2] === undefined) throw new Error(`malformed labels: ${text}`);
    labels[match[1]] = match[2].replace(/\\(.)/g, (_, c: string) => (c === 'n' ? '\n' : c));
    rest = rest.slice(match[0].length);
  }
  return labels;
}

export class Metrics {
  constructor(readonly samples: readonly Sample[], readonly types: ReadonlyMap<string, string>) {}

  static parse(text: string): Metrics {
    const samples: Sample[] = [];
    const types = new Map<string, string>();
    for (const line of text.split('\n')) {
      const type = /^# TYPE (\S+) (counter|gauge|histogram|summary|untyped)$/.exec(line);
      if (type?.[1] !== undefined && type[2] !== undefined) types.set(type[1], type[2]);
      if (line === '' || line.startsWith('#')) continue;
      const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line);
      if (match?.[1] === undefined || match[3] === undefined) throw new Error(`malformed metric line: ${line}`);
      const value = match[3] === '+Inf' ? Infinity : Number(match[3]);
      if (Number.isNaN(value)) throw new Error(`malformed value: ${line}`);
      samples.push({ name: match[1], labels: parseLabels(match[2] ?? ''), value });
    }
    return new Metrics(samples, types);
  }

  /** The sum of all series of `name` that carry these labels; 0 when there is none. */
  sum(name: string, labels: Readonly<Record<string, string>> = {}): number {
    return this.samples
      .filter((s) => s.name === name && Object.entries(labels).every(([k, v]) => s.labels[k] === v))
      .reduce((sum, s) => sum + s.value, 0);
  }

  has(name: string): boolean {
    return this.samples.some((s) => s.name === name);
  }

  /** Series of type counter that are smaller in `later`: there must be none, ever. */
  wentBackwards(later: Metrics): string[] {
    const key = (s: Sample): string => `${s.name}${JSON.stringify(Object.entries(s.labels).sort())}`;
    const now = new Map(later.samples.map((s) => [key(s), s.value]));
    return this.samples
      .filter((s) => this.types.get(s.name) === 'counter' || /_(total|bucket|count)$/.test(s.name))
      .filter((s) => (now.get(key(s)) ?? 0) < s.value)
      .map((s) => `${key(s)}: ${s.value} -> ${now.get(key(s)) ?? 'gone'}`);
  }
}
