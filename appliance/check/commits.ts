/** Commit subjects since the first commit: `room: imperative, lower case`, the room from the tree. */
import { execFileSync } from 'node:child_process';

const rooms =
  'kernel|bus|sdk|store|api|cli|registry|supervisor|boot|forwarder|binding|host|network|dhcp|dns|metadata|link-local|policy|snat|plugins|appliance|setup|lab|demo|check|docs|ci|bench|house';
const shape = new RegExp(`^(${rooms}): [a-z][^A-Z]{2}.{0,66}[^.]$`);

const subjects = execFileSync('git', ['log', '--no-merges', '--format=%h %s', '-n', '200'], { encoding: 'utf8' })
  .trim()
  .split('\n')
  .filter(Boolean);
const bad = subjects.filter((line) => !shape.test(line.replace(/^\S+ /, '')));
for (const line of bad) console.log(`${line}\n  wanted: "room: imperative, lower case", at most 72 characters, room one of ${rooms}`);
process.exitCode = bad.length === 0 ? 0 : 1;
