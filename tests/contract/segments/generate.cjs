// Writes twilio-calculator.json: what Twilio's own calculator says of the texts below.
//   npm install --no-save sms-segments-calculator@1.3.0 && node tests/contract/segments/generate.cjs
const fs = require('fs');
const path = require('path');
const { SegmentedMessage } = require('sms-segments-calculator');

// A text is a list of [part, how many times].
const texts = [
  [['', 1]], [['a', 1]], [['a', 160]], [['a', 161]], [['a', 306]], [['a', 307]], [['a', 459]], [['a', 460]],
  [['a', 1530]], [['a', 1531]], [['a', 1600]],
  [['€', 80]], [['€', 81]], [['a', 152], ['€', 1], ['a', 7]], [['a', 152], ['€', 1], ['a', 151]],
  [['a', 152], ['€', 1], ['a', 152]], [['[', 153]], [['{}', 100]], [['a', 151], ['€', 1], ['a', 153]],
  [['ő', 70]], [['ő', 71]], [['ő', 134]], [['ő', 135]], [['ő', 201]], [['ő', 202]], [['a', 69], ['ő', 1]],
  [['a', 70], ['ő', 1]], [['a', 133], ['ő', 1]], [['a', 134], ['ő', 1]], [['€', 69], ['ő', 1]],
  [['🔑', 35]], [['🔑', 36]], [['a', 66], ['🔑', 1]], [['ő', 66], ['🔑', 1], ['ő', 65]],
  [['ő', 66], ['🔑', 1], ['ő', 66]], [['🔑', 67]], [['ő', 1], ['🔑', 66]],
  [['“Welcome”', 1]], [["it's", 1]], [['it’s', 1]], [['2–3 nights', 1]], [['wait…', 1]], [['a\u00a0b', 1]],
  [['Ça va', 1]], [['ça va', 1]], [['Ångström Øre Æble', 1]], [['Ελλάδα', 1]], [['ΔΦΓΛΩΠΨΣΘΞ', 1]], [['naïve', 1]],
  [['Zażółć gęślą jaźń', 1]], [['Größe', 1]], [['line\nline', 1]], [['line\r\nline', 1]], [['tab\there', 1]],
  [['form\ffeed', 1]], [['`', 1]], [['日本語のテスト', 10]], [['Добро пожаловать', 5]],
  // Several code points that are shown as one character, inside a segment and over its edge.
  [['👍🏽', 1]], [['🇳🇴', 1]], [['👩‍👩‍👧', 1]], [['e\u0301', 1]], [['❤️', 1]],
  [['a', 63], ['👩‍👩‍👧', 1], ['a', 60]], [['a', 66], ['e\u0301', 1], ['a', 66]], [['a', 65], ['🇳🇴', 1], ['a', 65]],
];

// And many more over small alphabets, so that every border is met.
let seed = 20261127;
const next = (below) => {
  seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
  return Math.floor((seed / 4294967296) * below);
};
for (const alphabet of [['a', '€'], ['a', 'b', '{'], ['a', 'ő', '🔑'], ['a', '🔑']]) {
  for (let round = 0; round < 25; round += 1) {
    const parts = [];
    for (let part = 0; part < 1 + next(12); part += 1) {
      parts.push([alphabet[next(alphabet.length)], 1 + next(60)]);
    }
    texts.push(parts);
  }
}

const basic = [];
for (let code = 0; code <= 0xffff; code += 1) {
  if (code >= 0xd800 && code <= 0xdfff) continue;
  const character = String.fromCharCode(code);
  if (new SegmentedMessage(character).encodingName === 'GSM-7') {
    basic.push([code, new SegmentedMessage(character).numberOfCharacters]);
  }
}

const answers = texts.map((parts) => {
  const said = new SegmentedMessage(parts.map(([part, times]) => part.repeat(times)).join(''));
  const forcing = said.encodingName === 'UCS-2' ? [...new Set(said.getNonGsmCharacters())] : [];
  return { parts, encoding: said.encodingName, segments: said.segmentsCount, forcing };
});
const lines = answers.map((answer) => `    ${JSON.stringify(answer)}`).join(',\n');
fs.writeFileSync(
  path.join(__dirname, 'twilio-calculator.json'),
  `{\n  "alphabet": ${JSON.stringify(basic)},\n  "texts": [\n${lines}\n  ]\n}\n`,
);
