import { messages } from '../../app/messages.ts';
import classes from './drift.module.css';
import { type Outcome, OUTCOMES } from './findings.ts';

const words = messages.drift;
type Counted = Readonly<Partial<Record<Outcome | 'same', number>>>;

/**
 * How many there are of each outcome, as one bar.
 * @param share  of the longest bar beside it
 * @param what   it is about, for whoever does not see it; absent: what stands beside it says so
 */
export function OutcomeBar({ counts, share = 1, what }: { counts: Counted; share?: number; what?: string }) {
  const parts = (['same', ...OUTCOMES] as const).filter((outcome) => (counts[outcome] ?? 0) > 0);
  const all = parts.reduce((sum, outcome) => sum + counts[outcome]!, 0);
  const told = parts.map((outcome) => `${words.outcomes[outcome]} ${counts[outcome]!.toLocaleString()}`);
  const inWords = told.length === 0 ? words.nothing : told.join(', ');
  return (
    <div className={classes.bar} role="img" aria-label={what === undefined ? inWords : `${what}: ${inWords}`}>
      {parts.map((outcome) => (
        <div
          key={outcome}
          className={classes.part}
          data-outcome={outcome}
          style={{ flexGrow: counts[outcome], flexBasis: 0 }}
        />
      ))}
      {share < 1 && <div style={{ flexGrow: (all * (1 - share)) / share, flexBasis: 0 }} />}
    </div>
  );
}

/** The sign that an outcome has in every picture. */
export const Swatch = ({ outcome }: { outcome: Outcome | 'same' }) => (
  <span className={classes.swatch} data-outcome={outcome} aria-hidden />
);

export function Legend() {
  return (
    <ul className={classes.legend} aria-hidden>
      {OUTCOMES.map((outcome) => (
        <li key={outcome} className={classes.legendItem}>
          <Swatch outcome={outcome} />
          {words.outcomes[outcome]}
        </li>
      ))}
    </ul>
  );
}
