/** A step under way: `detail` says what it is doing just now, on a terminal only. */
export interface Step {
  detail(text: string): void;
}

export interface Progress {
  /** Runs one named step; what it resolves with is its result in a few words. */
  step(name: string, run: (step: Step) => Promise<string>): Promise<void>;
  /** A line of its own, between steps. */
  note(text: string): void;
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const frameMilliseconds = 80;
const nameWidth = 12;
const defaultColumns = 80;
/** The sign before them and the time behind them. */
const besideWords = 12;

/**
 * Lines on standard error: on a terminal the running step is redrawn in place, elsewhere each step is one plain line
 * when it has ended. NO_COLOR (no-color.org) turns colours off; TERM=dumb also the redrawing.
 */
export function createProgress(
  stream: NodeJS.WriteStream = process.stderr,
  environment: NodeJS.ProcessEnv = process.env,
): Progress {
  const live = stream.isTTY && environment['TERM'] !== 'dumb';
  const colours = live && !environment['NO_COLOR'];
  return live ? liveProgress(stream, colours ? paint : (_, text) => text) : plainProgress(stream);
}

function plainProgress(stream: NodeJS.WriteStream): Progress {
  return {
    note: text => void stream.write(`${text}\n`),
    step: async (name, run) => {
      const started = performance.now();
      try {
        const result = await run({ detail: () => undefined });
        stream.write(`${name}: ${result} (${secondsSince(started)})\n`);
      } catch (error) {
        stream.write(`${name}: failed (${secondsSince(started)})\n`);
        throw error;
      }
    },
  };
}

function liveProgress(stream: NodeJS.WriteStream, colour: typeof paint): Progress {
  const line = (sign: string, name: string, text: string, started: number) => {
    const words = `${name.padEnd(nameWidth)} ${text}`;
    // A pseudo-terminal may say that it has no columns at all.
    const width = Math.max(30, (stream.columns || defaultColumns) - besideWords);
    const shown = words.length > width ? `${words.slice(0, width - 1)}…` : words;
    return `\r\u001B[K${sign} ${shown} ${colour('grey', secondsSince(started))}`;
  };
  return {
    note: text => void stream.write(`${text}\n`),
    step: async (name, run) => {
      const started = performance.now();
      let frame = 0;
      let detail = '';
      const draw = () => {
        frame = (frame + 1) % frames.length;
        stream.write(line(frames[frame] ?? '', name, detail, started));
      };
      draw();
      const timer = setInterval(draw, frameMilliseconds);
      try {
        const result = await run({ detail: text => void (detail = text) });
        stream.write(`${line(colour('green', '✓'), name, result, started)}\n`);
      } catch (error) {
        stream.write(`${line(colour('red', '✗'), name, detail, started)}\n`);
        throw error;
      } finally {
        clearInterval(timer);
      }
    },
  };
}

const codes = { green: 32, red: 31, grey: 90 } as const;

function paint(colour: keyof typeof codes, text: string): string {
  return `\u001B[${codes[colour]}m${text}\u001B[39m`;
}

const secondsSince = (started: number): string => `${((performance.now() - started) / 1000).toFixed(1)} s`;
