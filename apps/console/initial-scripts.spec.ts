import { expect, it } from '@jest/globals';
import { initialScripts } from './initial-scripts.ts';

it('are the entry and all it imports statically, once each, and nothing that is loaded later', () => {
  const manifest = {
    'index.html': {
      file: 'index.js',
      isEntry: true,
      imports: ['_react.js', '_mantine.js'],
      dynamicImports: ['charts'],
    },
    '_react.js': { file: 'react.js' },
    '_mantine.js': { file: 'mantine.js', imports: ['_react.js'] },
    charts: { file: 'charts.js', imports: ['_recharts.js'] },
    '_recharts.js': { file: 'recharts.js' },
  };
  expect(initialScripts(manifest)).toEqual(['index.js', 'react.js', 'mantine.js']);
});
