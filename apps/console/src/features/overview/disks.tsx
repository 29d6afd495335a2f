import type { HealthAnswer } from '@holdfast/api/types';
import { Badge, Group, Progress, Stack, Text } from '@mantine/core';
import { formatBytes } from '../../app/format.ts';
import { messages } from '../../app/messages.ts';
import { Panel } from '../../app/panel.tsx';

const words = messages.overview;
type Disk = HealthAnswer['disks'][number];

const colourOf = ({ low, reserveInUse, freeBytes, minFreeBytes }: Disk): string => {
  if (low || reserveInUse) return 'red.7';
  return freeBytes < minFreeBytes * 2 ? 'yellow.7' : 'cyan.7';
};

export function Disks({ health: { disks } }: { health: HealthAnswer }) {
  return (
    <Panel title={words.disks}>
      <Stack gap="md">
        {disks.map((disk) => {
          const { name, holds, freeBytes, totalBytes, minFreeBytes, low, reserveInUse } = disk;
          const free = words.freeOf(formatBytes(freeBytes), formatBytes(totalBytes));
          const used = ((totalBytes - freeBytes) / totalBytes) * 100;
          return (
            <div key={name}>
              <Group justify="space-between" gap="xs">
                <Text fw={600}>
                  <bdi>{name}</bdi>{' '}
                  <Text span size="sm" c="dimmed">
                    {holds.join(', ')}
                  </Text>
                </Text>
                {low && <Badge color="red">{words.diskLow}</Badge>}
                {reserveInUse && <Badge color="red">{words.reserveInUse}</Badge>}
              </Group>
              <Progress.Root size="md" my={4}>
                <Progress.Section value={used} color={colourOf(disk)} aria-label={`${name}: ${free}`} />
              </Progress.Root>
              <Text size="sm" c="dimmed">
                {free}. {words.stopsBelow(formatBytes(minFreeBytes))}.
              </Text>
            </div>
          );
        })}
      </Stack>
    </Panel>
  );
}
