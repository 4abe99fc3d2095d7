/**
 * The forwarder process. The main isolate starts libforwarder, owns the sockets and moves bytes; the Worker decides. Packets are forwarded by threads
 * of the library, which wait for neither.
 */
import { WeftFailure } from '@weft/kernel/contract/system';
import { readHandoff } from './handoff.ts';
import { makeLog } from './log.ts';
import { parseSettings } from './settings.ts';
import { startForwarding } from './start.ts';

let log = makeLog('info', 'main');

function crash(cause: unknown): never {
  if (cause instanceof WeftFailure) log.error(cause.message, { code: cause.error.code, fix: cause.error.fix });
  else log.error(cause instanceof Error ? cause.message : String(cause), { stack: cause instanceof Error ? cause.stack : undefined });
  process.exit(1);
}

process.on('uncaughtException', crash);
// Ctrl-C reaches the whole terminal; the launcher decides the order in which its children stop.
process.on('SIGINT', () => undefined);
try {
  const handoff = readHandoff();
  log = makeLog(handoff.logLevel, 'main');
  const settings = parseSettings(handoff.settings);
  const forwarder = startForwarding(settings, log, handoff);
  const { serve } = await import('./serve.ts');
  await serve({ forwarder, handoff, settings, log, crash });
} catch (cause) {
  crash(cause);
}
