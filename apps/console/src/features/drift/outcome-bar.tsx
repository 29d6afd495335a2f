import { Text } from '@mantine/core';
import { messages } from '../../app/messages.ts';
import classes from './drift.module.css';
import { type Outcome, OUTCOMES } from './findings.ts';

const words = messages.drift;
type Counted = Readonly<Partial<Record<Outcome | 'same', number>>>;

/** How many there are of each outcome, as one bar; whoever cannot see it is told in words. */
export function OutcomeBar({ counts, share = 1, what }: { counts: Counted; share?: number; what: string }) {
  const parts = (['same', ...OUTCOMES] as const).filter((outcome) => (counts[outcome] ?? 0) > 0);
  const told = parts.map((outcome) => `${words.outcomes[outcome]} ${counts[outcome]}`).join(', ');
  return (
    <div className={classes.bar} role="img" aria-label={`${what}: ${told === '' ? words.nothing : told}`}>
      {parts.map((outcome) => (
        <div
          key={outcome}
          className={classes.part}
          data-outcome={outcome}
          style={{ flexGrow: counts[outcome] ?? 0, flexBasis: 0 }}
        />
      ))}
      {share < 1 && <div style={{ flexGrow: (total(counts) * (1 - share)) / share, flexBasis: 0 }} />}
    </div>
  );
}

const total = (counts: Counted): number => Object.values(counts).reduce((sum, count) => sum + count, 0);

export function Legend({ outcomes }: { outcomes: readonly (Outcome | 'same')[] }) {
  return (
    <ul className={classes.legend} aria-hidden>
      {outcomes.map((outcome) => (
        <li key={outcome} className={classes.legendItem}>
          <span className={classes.swatch} data-outcome={outcome} />
          <Text size="xs" component="span">
            {words.outcomes[outcome]}
          </Text>
        </li>
      ))}
    </ul>
  );
}
