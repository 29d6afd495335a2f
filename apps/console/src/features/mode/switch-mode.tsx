import type { ModeAnswer } from '@holdfast/api/types';
import { Button, Group, Radio, Stack, Text } from '@mantine/core';
import { IconPin, IconPinnedOff } from '@tabler/icons-react';
import { useState } from 'react';
import { messages } from '../../app/messages.ts';
import { choiceOf, CHOICES, type ModeChoice } from '../../app/mode-name.ts';
import { Panel } from '../../app/panel.tsx';
import { useMayOperate } from '../../app/role.ts';
import { ConfirmMode, type ModeChange } from './confirm-mode.tsx';
import classes from './mode.module.css';

const words = messages.mode;

const DETAILS: Readonly<Record<ModeChoice, string>> = {
  cdn: words.choices.cdnDetail,
  fallback: words.choices.fallbackDetail,
  off: words.choices.offDetail,
};

/** What readers could be sent to instead; nothing happens before it was confirmed with a reason. */
export function SwitchMode({ mode }: { mode: ModeAnswer }) {
  const now = choiceOf(mode);
  const [chosen, setChosen] = useState<ModeChoice | null>(null);
  const [change, setChange] = useState<ModeChange | null>(null);
  const mayOperate = useMayOperate();
  const wanted = chosen ?? now;
  const nameOf = (choice: ModeChoice): string => words.choices[choice];
  return (
    <Panel title={words.switchTitle}>
      <Radio.Group value={wanted} onChange={(value) => setChosen(value)} aria-label={words.switchTitle}>
        <Stack gap="xs">
          {(Object.keys(CHOICES) as ModeChoice[]).map((choice) => (
            <Radio
              key={choice}
              value={choice}
              className={classes.choice}
              label={
                <Text span fw={600}>
                  {nameOf(choice)}
                  {choice === now && (
                    <Text span size="sm" c="dimmed">
                      {' '}
                      ({words.isNow})
                    </Text>
                  )}
                </Text>
              }
              description={DETAILS[choice]}
            />
          ))}
        </Stack>
      </Radio.Group>
      {mode.cdnBaseUrl === null && (
        <Text size="sm" c="dimmed" mt="sm">
          {words.noCdnUrl}
        </Text>
      )}
      <Group mt="md">
        <Button
          disabled={wanted === now || !mayOperate}
          onClick={() =>
            setChange({
              fields: CHOICES[wanted],
              title: words.confirmTitle(nameOf(wanted)),
              action: words.confirm,
            })
          }
        >
          {words.change}
        </Button>
        <Button
          variant="default"
          disabled={!mayOperate}
          leftSection={
            mode.pinned ? <IconPinnedOff size={16} aria-hidden /> : <IconPin size={16} aria-hidden />
          }
          onClick={() =>
            setChange({
              fields: { pinned: !mode.pinned },
              title: mode.pinned ? words.doUnpin : words.doPin,
              action: mode.pinned ? words.confirmUnpin : words.confirmPin,
            })
          }
        >
          {mode.pinned ? words.doUnpin : words.doPin}
        </Button>
      </Group>
      <Text size="sm" c="dimmed" mt="xs">
        {mayOperate ? words.pinDetail : messages.session.needsOperator}
      </Text>
      {change !== null && (
        <ConfirmMode
          change={change}
          onClose={(isDone) => {
            setChange(null);
            if (isDone) setChosen(null);
          }}
        />
      )}
    </Panel>
  );
}
