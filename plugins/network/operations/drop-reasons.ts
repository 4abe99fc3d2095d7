/** `weft explain drop`: what the reasons mean for which packets are dropped. */
import { dropReasons } from '@weft/kernel/contract/net';
import type { Explanation, OperationSpec } from '@weft/kernel/contract/system';
import { Type } from 'typebox';

const item = Type.Object({
  name: Type.String({ description: 'The reason, as drops, traces and captures show it.' }),
  meaning: Type.String({ description: 'What happened to the packet.' }),
  advice: Type.String({ description: 'What to do about it.' }),
});

export const dropReasonsSpec: OperationSpec = {
  name: 'drop-reasons',
  summary: 'Why packets are dropped, reason by reason',
  stream: false,
  viewer: true,
  input: Type.Object({}, { additionalProperties: false }),
  output: Type.Object({ items: Type.Array(item, { description: 'One for each reason.' }) }),
  glossary: 'drop',
};

export function explainDrops(): { items: readonly Explanation[] } {
  return { items: dropReasons };
}
