/** Answers to what is no request: raw, as there is no response object for them. Pure. */

const phrases: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
};

const meanings: Readonly<Record<number, string>> = {
  400: 'this is no HTTP request',
  405: 'the methods here are GET, HEAD, OPTIONS',
  408: 'the request did not come in time',
  431: 'the head of the request is too large',
};

export function rawAnswer(status: number): string {
  const body = `${status}: ${meanings[status]}\n`;
  const allow = status === 405 ? 'Allow: GET, HEAD, OPTIONS\r\n' : '';
  return `HTTP/1.1 ${status} ${phrases[status]}\r\n${allow}Content-Type: text/plain; charset=utf-8\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
}

/** What Node's parser says went wrong. */
export interface ParseError {
  readonly code?: string | undefined;
  readonly rawPacket?: Buffer;
  /** How far into the packet it came. */
  readonly bytesParsed?: number;
}

export function statusOf({ code, rawPacket, bytesParsed = 0 }: ParseError): number {
  if (code === 'HPE_HEADER_OVERFLOW' || code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return 431;
  if (code !== 'HPE_INVALID_METHOD' || rawPacket === undefined) return 400;
  const line = rawPacket.lastIndexOf('\n', bytesParsed) + 1;
  const looksLikeHttp = /^[A-Z]{1,32} [/h*]/.test(rawPacket.subarray(line, line + 40).toString('latin1'));
  return looksLikeHttp ? 405 : 400;
}
