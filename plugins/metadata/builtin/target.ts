/** Request targets (RFC 9112 §3.2). Pure. */

/** Path and query of a target in origin or absolute form, as written; undefined for every other form and for what is no printable ASCII. */
export function originForm(target: string): string | undefined {
  if (!/^[\x21-\x7e]+$/.test(target)) return undefined;
  const rest = target.startsWith('/') ? target : target.replace(/^https?:\/\/[^/?#]+/i, '');
  if (rest === target && !target.startsWith('/')) return undefined;
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/**
 * The parts of the path, decoded; empty ones do not count, so that a slash too many or at the end changes nothing. Undefined for a bad escape and for
 * parts that lead elsewhere: `.` and `..`, and such as hold a slash, a backslash or a control character.
 */
export function partsOf(origin: string): readonly string[] | undefined {
  const end = origin.search(/[?#]/);
  const parts = (end < 0 ? origin : origin.slice(0, end)).split('/').filter((part) => part !== '');
  const decoded = parts.map(decode);
  return decoded.every((part) => part !== undefined) ? decoded : undefined;
}

function decode(part: string): string | undefined {
  const text = part.includes('%') ? percentDecode(part) : part;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what it looks for
  return text === undefined || text === '.' || text === '..' || /[/\\\u0000-\u001f\u007f]/.test(text) ? undefined : text;
}

function percentDecode(part: string): string | undefined {
  try {
    return decodeURIComponent(part);
  } catch {
    return undefined;
  }
}
