// Run by a spec as a process of its own: rings the doorbell that is named for each byte it is sent.
import { openDoorbell } from './doorbell.ts';

const bell = openDoorbell(process.argv[2] ?? '');
process.stdout.write('ready\n');
process.stdin.on('data', () => {
  bell.ring();
});
