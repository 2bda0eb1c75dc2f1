import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { scrub } from '#gateway/observe/redaction.js';

const HEADER = 'eyJhbGciOiJIUzI1NiJ9';
const CLAIMS = 'eyJzdWIiOiJhZGEifQ';
const TOKEN = `${HEADER}.${CLAIMS}.bm90LWEtc2lnbmF0dXJl`;

describe('scrub', () => {
  const hidden: Readonly<Record<string, readonly [string, string]>> = {
    'a JWT': [`before ${TOKEN} after`, 'before [redacted] after'],
    'two of them': [`${TOKEN},${TOKEN}`, '[redacted],[redacted]'],
    'a JWT with a space in its header': [TOKEN.replace('eyJ', 'eyA'), '[redacted]'],
    'a JWT that something is stuck to': [`postern.bearer.${TOKEN}`, 'postern.bearer.[redacted]'],
    'a JWT that was cut off': [TOKEN.slice(0, -30), '[redacted]'],
    'a JWT without a signature': [`${HEADER}.${CLAIMS}.`, '[redacted]'],
    'a password in a URL': ['postgres://ada:s3c:ret@db/x', 'postgres://ada:[redacted]@db/x'],
    'a password with an @': ['postgres://ada:s3@ret@db/x', 'postgres://ada:[redacted]@db/x'],
    'a password of nobody': ['postgres://:s3cret@db/x', 'postgres://:[redacted]@db/x'],
    'an empty name, two URLs': [
      'wss://a:b@c and https://d:e@f',
      'wss://a:[redacted]@c and https://d:[redacted]@f',
    ],
  };
  for (const [what, [text, without]] of Object.entries(hidden)) {
    it(`hides ${what}`, () => assert.equal(scrub(text), without));
  }

  const kept = [
    'postgres://ada@db:5432/x?sslmode=require',
    'https://app.test:8443/a@b',
    '{"time":"2026-11-24T10:00:00.000Z","address":"::1","user":"ada@example.test"}',
    'at examine (file:///srv/postern/dist/http/examine.js:42:7)',
    'eyebrow.example.test',
  ];
  for (const text of kept) it(`keeps ${text}`, () => assert.equal(scrub(text), text));
});
