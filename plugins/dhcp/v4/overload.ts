/** What goes where when the options field is too short: fields `file` and `sname` hold options, too (option 52, RFC 2132 §9.3). */
import type { DhcpMessage } from './codec.ts';
import { optionCodes } from './option.ts';
import { encodedBytes, takeFitting } from './option-area.ts';

/** Lengths of the fields; the end option takes a byte of each. */
const fileBytes = 128;
const snameBytes = 64;
/** What the protocol itself needs (RFC 2131 table 3), and the mask, which goes before any router (RFC 2132 §3.3). */
const leading: ReadonlySet<number> = new Set([
  optionCodes.messageType,
  optionCodes.serverIdentifier,
  optionCodes.clientIdentifier,
  optionCodes.relayAgentInformation,
  optionCodes.leaseTime,
  optionCodes.renewalTime,
  optionCodes.rebindingTime,
  optionCodes.subnetMask,
]);

/** What goes where; `left`: what fits nowhere. */
type Areas = Readonly<Record<'main' | 'file' | 'sname' | 'left', Map<number, Buffer>>>;

/** The options of a message and its names, in the areas of one whose options field has `space` bytes. */
export function packed(message: Pick<DhcpMessage, 'options' | 'file' | 'sname'>, space: number): Areas {
  const named = withName(message.options, optionCodes.bootFile, message.file);
  const areas = packBest(named, space);
  return areas.sname.size === 0 ? areas : packBest(withName(named, optionCodes.tftpServerName, message.sname), space);
}

/** In order, but if all fits only when long ones go first, so. */
function packBest(options: ReadonlyMap<number, Buffer>, space: number): Areas {
  const inOrder = packAreas(options, space);
  if (inOrder.left.size === 0) return inOrder;
  const longFirst = packAreas(withLongFirst(options), space);
  return longFirst.left.size === 0 ? longFirst : inOrder;
}

function packAreas(options: ReadonlyMap<number, Buffer>, space: number): Areas {
  const left = new Map(options);
  // Three bytes stay free for option 52 itself.
  const main = takeFitting(left, space - 3);
  const file = takeFitting(left, fileBytes - 1);
  return { main, file, sname: takeFitting(left, snameBytes - 1), left };
}

/** What fits the options field only goes before what fits elsewhere, but not before what every client looks for there. */
function withLongFirst(options: ReadonlyMap<number, Buffer>): ReadonlyMap<number, Buffer> {
  const rank = ([code, value]: readonly [number, Buffer]): number => {
    if (leading.has(code)) return 0;
    return encodedBytes(value) > fileBytes - 1 ? 1 : 2;
  };
  return new Map([...options].sort((a, b) => rank(a) - rank(b)));
}

/** The options, with a name among them whose field is needed for others. Behind the first, for that is the type of the message. */
function withName(options: ReadonlyMap<number, Buffer>, code: number, name: Buffer): ReadonlyMap<number, Buffer> {
  if (name.length === 0 || options.has(code)) return options;
  const [first, ...others] = options;
  return new Map([...(first === undefined ? [] : [first]), [code, name], ...others]);
}
