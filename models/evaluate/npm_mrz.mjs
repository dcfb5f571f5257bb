// Reads a JSON list of zones from standard input, parses each with the npm package mrz and
// writes what it says of layout and check digits, one JSON object a zone.
import { readFileSync } from 'node:fs';
import { parse } from 'mrz';

const digits = {
  documentNumberCheckDigit: 'number',
  birthDateCheckDigit: 'birth',
  expirationDateCheckDigit: 'expiry',
  personalNumberCheckDigit: 'optional',
  compositeCheckDigit: 'composite',
};

const out = JSON.parse(readFileSync(0, 'utf8')).map((lines) => {
  try {
    const r = parse(lines);
    const found = {};
    for (const d of r.details) {
      if (digits[d.field]) found[digits[d.field]] = d.valid ? 'fits' : 'wrong';
    }
    return { layout: r.format === 'FRENCH_NATIONAL_ID' ? 'FRID' : r.format, digits: found };
  } catch {
    return { layout: '', digits: {} };
  }
});
process.stdout.write(JSON.stringify(out));
