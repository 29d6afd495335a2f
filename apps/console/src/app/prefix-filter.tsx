import { Button, Group, TextInput } from '@mantine/core';
import { type FormEvent, useState } from 'react';
import classes from './filters.module.css';
import { messages } from './messages.ts';

const words = messages.prefix;

/** Asked for when it is entered, not with every key. */
export function PrefixFilter({ prefix, onFilter }: { prefix: string; onFilter: (prefix?: string) => void }) {
  const [typed, setTyped] = useState(prefix);
  const [known, setKnown] = useState(prefix);
  if (prefix !== known) {
    setKnown(prefix);
    setTyped(prefix);
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    onFilter(typed.trim() === '' ? undefined : typed.trim());
  };
  return (
    <form onSubmit={submit} className={classes.filter}>
      <Group align="flex-end" gap="xs" wrap="nowrap">
        <TextInput
          className={classes.text}
          label={words.label}
          placeholder={words.example}
          value={typed}
          onChange={(event) => setTyped(event.currentTarget.value)}
          dir="auto"
          spellCheck={false}
          autoCapitalize="off"
          autoComplete="off"
        />
        <Button type="submit" variant="default">
          {words.apply}
        </Button>
      </Group>
    </form>
  );
}
