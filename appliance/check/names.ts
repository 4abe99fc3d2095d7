/**
 * Names: files and folders carry the word for what they hold; kernel/src and kernel/cli hold no networking word; no file speaks of the
 * place where it was written.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';

const drawers = /^(utils?|common|helpers?|misc|core|lib|stuff)(\.|$)/;
const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9-]+)*$/;
const shouting = /^(README|LICENSE|CONTRIBUTING|CHANGELOG|Makefile|NOTICE)(\.md)?$/;
const snake = /^[a-z0-9]+(_[a-z0-9]+)*\.(gen\.)?(c|h|def)$/;
/** How X.509 (RFC 5280 §4.2.1.6) and openssl call the name of a host. */
const certificateWord = /\bDNS:/g;
const networkingWord =
  /\b(vlans?|vrfs?|vxlan|macs?|arp|subnets?|dhcp|dns|ipv[46]|ethernet|next-?hops?|netns|veth|floating ?ips?|bgp|vni)\b/i;
/** The folder that this checkout lies in: no file may know it. */
const here = process.cwd();

function* findings(): Generator<string> {
  const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' }).trim().split('\n');
  for (const file of files.filter((name) => existsSync(name))) {
    const parts = file.split('/');
    const name = basename(file);
    for (const part of parts) if (drawers.test(part)) yield `${file}: "${part}" says nothing about its content: name the one idea it holds`;
    if (!name.startsWith('.') && !kebab.test(name) && !shouting.test(name) && !snake.test(name))
      yield `${file}: use kebab-case (TypeScript, docs) or snake_case (C)`;
    if (!/\.(ts|c|h|def|md|sh|json|yaml|cjs|js)$/.test(name) || /package-lock\.json$|check\/names\.ts$/.test(file)) continue;
    const lines = readFileSync(file, 'utf8').split('\n');
    for (const [index, line] of lines.entries()) {
      if (line.includes(here)) yield `${file}:${index + 1}: names a place outside the product`;
      if (
        /^kernel\/(src|cli)\/.*\.ts$/.test(file) &&
        !/\.test\.ts$|\/test\//.test(file) &&
        networkingWord.test(line.replaceAll(certificateWord, ''))
      )
        yield `${file}:${index + 1}: a networking word in the kernel ("${networkingWord.exec(line)?.[0]}"): move it to a plugin or to kernel/contract/net`;
    }
  }
}

const found = [...findings()];
for (const finding of found) console.log(finding);
process.exitCode = found.length === 0 ? 0 : 1;
