import { ActionIcon, Menu, useMantineColorScheme } from '@mantine/core';
import { IconDeviceDesktop, IconMoon, IconSun } from '@tabler/icons-react';
import { messages } from './messages.ts';

const THEMES = { light: IconSun, dark: IconMoon, auto: IconDeviceDesktop } as const;
type Theme = keyof typeof THEMES;

export function ThemeSwitch() {
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const Current = THEMES[colorScheme];
  const label = messages.theme.current(messages.theme[colorScheme]);
  return (
    <Menu position="bottom-end" withArrow>
      <Menu.Target>
        <ActionIcon variant="default" size="lg" aria-label={label}>
          <Current size={18} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown aria-label={messages.theme.label}>
        {(Object.keys(THEMES) as Theme[]).map((name) => {
          const Icon = THEMES[name];
          return (
            <Menu.Item
              key={name}
              leftSection={<Icon size={16} aria-hidden />}
              aria-current={name === colorScheme}
              fw={name === colorScheme ? 700 : undefined}
              onClick={() => setColorScheme(name)}
            >
              {messages.theme[name]}
            </Menu.Item>
          );
        })}
      </Menu.Dropdown>
    </Menu>
  );
}
