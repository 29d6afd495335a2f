import { toHoldfastError } from '@holdfast/domain';
import { compose } from './compose.ts';
import { readConfig } from './config.ts';
import { stopOnSignals } from './stop.ts';

process.title = 'holdfast-api';
try {
  const { listen, close, logger } = await compose(readConfig());
  stopOnSignals(close, logger);
  const url = await listen();
  process.send?.({ type: 'ready', url });
} catch (error) {
  const { code, kind, message, stack } = toHoldfastError(error);
  process.stderr.write(`${code}: ${code === 'INTERNAL' ? stack : message}\n`);
  // 2: starting it again would not help.
  process.exit(kind === 'fatal' && code !== 'INTERNAL' ? 2 : 1);
}
