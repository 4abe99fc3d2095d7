/** What comes of refusals: they are counted and logged; a plugin that goes on is named in an alarm, and one that does not stop is started anew. */
import { Refusals, refusalWindowMs } from '../../bus/index.ts';

/** Refusals within `refusalWindowMs` that the operator is told of. */
const told = 20;
/** So many, and the process is ended: it counts as a crash, and too many of those as a failure. */
const borne = 1_000;
/** An alarm that nothing renews goes away. */
const alarmMs = 10 * 60_000;

export interface ConductParts {
  readonly log: { warn(fields: object, message: string): void };
  /** Raises (text) or clears (null) the alarm `refusalAlarm(plugin)`. */
  readonly alarm: (plugin: string, text: string | null) => void;
  /** Ends the plugin's process as if it had crashed. */
  readonly fault: (plugin: string, text: string) => void;
}

const alarmPrefix = 'kernel.refusals-';

/** Name of the alarm about a plugin that does what it may not. */
export function refusalAlarm(plugin: string): string {
  return alarmPrefix + plugin;
}

/** Whether it is the name of an alarm of this kind: those of an earlier life of the kernel are cleared at its start. */
export function isRefusalAlarm(name: string): boolean {
  return name.startsWith(alarmPrefix);
}

/** Refusals of plugins, with what comes of them. */
export function watchConduct({ log, alarm, fault }: ConductParts): Refusals {
  const timers = new Map<string, NodeJS.Timeout>();
  const seconds = refusalWindowMs / 1_000;
  const renew = (plugin: string): void => {
    clearTimeout(timers.get(plugin));
    timers.set(plugin, setTimeout(() => alarm(plugin, null), alarmMs).unref());
  };
  return new Refusals({
    log: (plugin, act, detail, count) => log.warn({ plugin, act, count, detail }, 'refused'),
    onCount: (plugin, inWindow) => {
      if (inWindow === told) {
        alarm(
          plugin,
          `plugin ${plugin} was refused ${told} acts within ${seconds} s: see weft plugin logs kernel, or stop it: weft plugin disable ${plugin}`,
        );
        renew(plugin);
      }
      if (inWindow % borne === 0) fault(plugin, `it was refused ${borne} acts within ${seconds} s and is being restarted`);
    },
  });
}
